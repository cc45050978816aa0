"""Registration, promotion, rollback and adoption of model versions, on the store's ledger and MLflow's registry."""
