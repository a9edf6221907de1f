# make run    set up, fetch weights, build the demo, open the window (without a screen: the same, printed and photographed)
# make install-desktop   add the program to the desktop's menu and to "Open with" of folders and pictures
# make bundle a folder and an archive in dist/ for people who only search: without PyTorch, and without Python on their side
# make test   set up, then ruff, mypy, import-linter and all tests, in one process a core
# make check  the same without the tests marked slow or cluster
# make docs   write docs/api.md from the docstrings of core/api.py
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready
DEV_READY := .venv/ready-dev
PARALLEL ?= -n auto --maxprocesses 4 --dist loadfile
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: run setup setup-dev install-desktop bundle test check lint bench screenshots translations docs clean

run: setup
	@$(BIN)/python -m brewclip_app.first_run

setup: $(READY)
	@$(BIN)/brewclip weights fetch whisper-base

setup-dev: $(DEV_READY)
	@$(BIN)/brewclip weights fetch whisper-base

$(READY): pyproject.toml constraints.txt packaging/install .ci/system-libraries
	@sh .ci/system-libraries
	@test -x $(BIN)/python || { echo "Making .venv"; $(PYTHON) -m venv .venv; }
	@sh packaging/install
	@touch $@

$(DEV_READY): $(READY)
	@sh .ci/system-libraries --dev
	@sh packaging/install "[dev,scale,map,multilingual]"
	@touch $@

DATA := $(or $(XDG_DATA_HOME),$(HOME)/.local/share)
ID := org.brewclip.Explorer
install-desktop: $(READY)
	install -Dm644 resources/desktop/$(ID).svg $(DATA)/icons/hicolor/scalable/apps/$(ID).svg
	install -Dm644 resources/desktop/$(ID).metainfo.xml $(DATA)/metainfo/$(ID).metainfo.xml
	mkdir -p $(DATA)/applications
	sed 's|^Exec=brewclip-app|Exec="$(CURDIR)/$(BIN)/brewclip-app"|' resources/desktop/$(ID).desktop > $(DATA)/applications/$(ID).desktop
	-update-desktop-database -q $(DATA)/applications 2>/dev/null

BUNDLE := dist/brewclip-explorer
bundle: setup
	@sh packaging/install "[bundle]"
	@$(BIN)/python -m PyInstaller --noconfirm --log-level WARN packaging/bundle.spec
	@$(BIN)/python packaging/bundle_models.py $(BUNDLE)
	@find $(BUNDLE)/_internal -name '*.so*' -type f -not -path '*.libs/*' -exec strip --strip-unneeded {} + 2>/dev/null || true
	@tar -C dist -czf $(BUNDLE)-$(shell uname -s -m | tr 'A-Z ' 'a-z-').tar.gz brewclip-explorer
	@du -sh $(BUNDLE) $(BUNDLE)-*.tar.gz

lint: setup-dev
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

test: lint
	$(BIN)/pytest $(PARALLEL)

check: lint
	$(BIN)/pytest $(PARALLEL) -m "not slow and not cluster"

bench: setup-dev
	$(BIN)/python -m tests.benchmarks

translations: setup-dev
	$(BIN)/python packaging/translations.py
docs: setup-dev
	$(BIN)/python packaging/api_page.py

screenshots: setup-dev
	QT_QPA_PLATFORM=offscreen $(BIN)/python -m brewclip_app.photographs docs/screenshots

clean:
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache
