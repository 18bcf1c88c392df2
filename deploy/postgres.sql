-- A database for MLflow and one for Optuna, each for its own role alone. Postgres runs this on an empty volume; run
-- again, it changes nothing but the passwords, to those of the environment.
\set ON_ERROR_STOP on
\getenv postgres_password POSTGRES_PASSWORD
\getenv mlflow_password POSTGRES_MLFLOW_PASSWORD
\getenv optuna_password POSTGRES_OPTUNA_PASSWORD

SELECT format('CREATE ROLE %I LOGIN', name)
FROM unnest(ARRAY['mlflow', 'optuna']) AS name
WHERE name NOT IN (SELECT rolname FROM pg_roles) \gexec

ALTER ROLE postgres PASSWORD :'postgres_password';
ALTER ROLE mlflow PASSWORD :'mlflow_password';
ALTER ROLE optuna PASSWORD :'optuna_password';

SELECT format('CREATE DATABASE %I OWNER %I', name, name)
FROM unnest(ARRAY['mlflow', 'optuna']) AS name
WHERE name NOT IN (SELECT datname FROM pg_database) \gexec

REVOKE CONNECT ON DATABASE mlflow, optuna FROM PUBLIC;
