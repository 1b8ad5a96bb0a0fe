"""What scores say: error rates with intervals, drift, Table 1 and the paper's claims."""
