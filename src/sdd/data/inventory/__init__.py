"""Taking stock of corpora: whether what is on disk is what the experiment needs.

`file_facts` decodes every file once, `findings` judges what it found, `corpus` takes the inventory
of a corpus, and `table` writes it; its page is `sdd.presentation.inventory_page`.
"""
