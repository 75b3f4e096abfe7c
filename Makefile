# Everything a developer does, each a line or two over cargo.
.PHONY: demo run test check bench torture simulate lint docs generate where
CARGO ?= cargo

demo: ## build and run the demo, then serve it (ARGS=--exit stops after the summary)
	@echo "Building Reskontro (the first time takes some minutes)…"
	$(CARGO) build --release --bin reskontro
	@target_dir=$$($(CARGO) metadata --format-version 1 --no-deps | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p'); \
	"$$target_dir/release/reskontro" demo $(ARGS)

run: ## serve with config/default.toml
	$(CARGO) run --bin reskontro -- serve

test: ## all tests, on SQLite and on a private PostgreSQL, beside a private Postfix and S3 server, pages in Chromium
	scripts/test-browser.sh scripts/test-postgres.sh scripts/test-postfix.sh scripts/test-s3.sh sh -c '$(CARGO) build --workspace --all-targets && if $(CARGO) nextest --version >/dev/null 2>&1; then $(CARGO) nextest run --workspace --no-fail-fast; else $(CARGO) test --workspace --no-fail-fast; fi'

lint: ## format and clippy
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings

docs: ## API documentation without warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --document-private-items

generate: ## write generated files
	$(CARGO) run --quiet --bin reskontro -- openapi > docs/openapi.json

check: lint docs test ## all that CI does
	scripts/check-packages.sh

bench: ## speed against the physical limit, into target/bench.json
	PG_FSYNC=on PG_BUFFERS=1GB scripts/test-postgres.sh $(CARGO) run --release -p reskontro-bench

torture: ## kill -9 at random moments, N times each database (N=50)
	PG_FSYNC=on TORTURE_ROUNDS=$(or $(N),50) scripts/test-postgres.sh $(CARGO) test --release --test it -- --nocapture --test-threads 1 torture

simulate: ## years of every preset, N seeds each (N=5), until the archive is empty, or the organisation has gone
	$(CARGO) build --release --bin reskontro
	@target_dir=$$($(CARGO) metadata --format-version 1 --no-deps | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p'); \
	for preset in association-billing invoicing-platform accounting-firm accounting-marketplace erp; do \
	  for seed in $$(seq $(or $(N),5)); do \
	    "$$target_dir/release/reskontro" simulate --preset $$preset --seed $$seed --years 2 --closing-years 9 || exit 1; \
	    "$$target_dir/release/reskontro" simulate --preset $$preset --seed $$seed --years 1 --end organisation || exit 1; \
	  done; \
	done

where: ## every file of a noun: make where NOUN=invoice
	@find src crates entity migration tests docs -path '*$(NOUN)*' -type f | sort
