"""Training: objectives, policies, the trainer and its state, fine-tuning and pre-training."""
