"""The exercises of each notebook, a module a notebook. Texts of hidden inputs are invented."""
