"""Registration, promotion, safe loading: on the store's ledger, with MLflow kept in step."""
