"""sdd: speech deepfake detection by supervised and reinforcement fine-tuning."""
