# make run, make test: both need Python 3.11 or newer and nothing else. `make help` lists the rest.

VENV = .venv
PY = $(VENV)/bin/python
# Named after the requirements, so that a change of them installs again.
READY = $(VENV)/ready-$(shell cat requirements.txt | cksum | cut -d ' ' -f 1)
READY_DEV = $(VENV)/ready-dev-$(shell cat requirements.txt requirements-dev.txt | cksum | cut -d ' ' -f 1)
# Another one: make run PYTHON=/path/to/python3
PYTHON = $(firstword $(foreach name,python3 python3.14 python3.13 python3.12 python3.11 python,\
	$(shell $(name) -c 'import sys; sys.version_info >= (3, 11) and print("$(name)")' 2>/dev/null)))
PIP = PIP_DISABLE_PIP_VERSION_CHECK=1 $(PY) -m pip install -qq --require-hashes

.PHONY: help run test bench lint format clean

help: ## Lists the targets
	@sed -n 's/^\([a-z]*\):.*## /make \1	/p' Makefile

run: $(READY) ## Serves the back office with a demo on http://localhost:8000 (other port: make run PORT=8001)
	@exec $(PY) manage.py run

# worksteal leaves neighbouring tests in one process, so that the servers and databases they share are made once.
# The tests start the application some sixty times, so what is compiled is kept, whatever the environment says of that.
test: $(READY_DEV) ## Runs the whole test suite in two processes (some of it: make test ARGS="-k ledger")
	@PYTHONDONTWRITEBYTECODE= $(PY) -m pytest -n 2 --dist worksteal $(ARGS)

# A second run at a tenth of the scale shows how the cost grows. SCALE=0.1 ARGS="--only transcript --rounds 50"
SCALE = 1
bench: $(READY_DEV) ## Measures every page beside the bare query and stock Django admin, into docs/speed.md (SCALE=0.1)
	@$(PY) -m bench.speed --scale $(SCALE) --scale $$($(PY) -c 'print(f"{$(SCALE) / 10:g}")') --write $(ARGS)

lint: $(READY_DEV) ## Checks style, security, migrations and the settings for production
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m bandit -q -r .
	@$(PY) -W ignore manage.py makemigrations --check --dry-run
	@DATABASE_URL=postgresql://backoffice@localhost/postgres ALLOWED_HOSTS=backoffice.example \
		SECRET_KEY=$$($(PY) -c 'import secrets; print(secrets.token_urlsafe(50))') \
		$(PY) manage.py check --deploy --fail-level WARNING

format: $(READY_DEV) ## Formats the code
	@$(PY) -m ruff check --fix --quiet . ; $(PY) -m ruff format .

clean: ## Removes the virtual environment and what tests left; the demo's data under var/ stays
	rm -rf $(VENV) .pytest_cache .ruff_cache $$(readlink var/tests) var/tests

$(READY):
	@if [ ! -w . ]; then \
		echo "Cannot write to $(CURDIR): it is read-only or another user's. Copy the project to a folder of yours." >&2; \
		exit 1; fi
	@if ! "$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
		echo "Python 3.11 or newer is needed, and none was found. Name one: make run PYTHON=/path/to/python3" >&2; \
		exit 1; fi
	@echo "Installing requirements, once ..."
	@$(PY) -c '' 2>/dev/null || $(PYTHON) -m venv --clear $(VENV)
	@$(PIP) -r requirements.txt
	@rm -f $(VENV)/ready-* && touch $@

$(READY_DEV): $(READY)
	@echo "Installing test requirements, once ..."
	@$(PIP) -r requirements.txt -r requirements-dev.txt
	@touch $@
