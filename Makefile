# fcfs: what is built from what. The lists under "tools" are the architecture:
# a tool is its main, the parts of common/ it stands on, and the libraries it links.

VERSION  = 0.1.0
# The function library on the Redis server: names end in PROTOCOL; REVISION counts changes within it. A
# step whose arguments or answer change gets another name: old and new binaries share a server.
PROTOCOL = 1
REVISION = 32

PREFIX  = /usr/local
BINDIR  = $(PREFIX)/bin
MANDIR  = $(PREFIX)/share/man
DESTDIR =

CC     = gcc
BUILD  = build
BIN    = bin
CFLAGS = -O2 -g

WARN = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
       -Wwrite-strings -Wvla -Wformat=2
# Optional: ledgers in PostgreSQL. `make LIBPQ=` builds without it.
LIBPQ := $(shell pkg-config --exists 'libpq >= 14' 2>/dev/null && echo libpq)
PKGS = hiredis jansson rdkafka sqlite3 uuid $(LIBPQ)
# Optional: librdkafka frees in one thread what another has allocated, five pieces a record. `make JEMALLOC=` does without.
JEMALLOC := $(shell pkg-config --exists jemalloc 2>/dev/null && echo jemalloc)

HARDEN    = -fPIE -fstack-protector-strong -D_FORTIFY_SOURCE=2
HARDEN_LD = -pie -Wl,-z,relro,-z,now
ifeq ($(SAN),1)
HARDEN    = -fPIE -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
HARDEN_LD = -pie -fsanitize=address,undefined
BUILD     = build/san
BIN       = build/san/bin
JEMALLOC  =
endif

# Asked at each use, so that `make deps` may install what answers.
pkg_cflags = $$(pkg-config --cflags $(PKGS))
# What it takes to read a source, and to compile it.
READ_CFLAGS = -std=c11 -D_GNU_SOURCE -Icommon -Icmd $(pkg_cflags) \
	-DFCFS_VERSION='"$(VERSION)"' -DFCFS_PROTOCOL=$(PROTOCOL) -DFCFS_REVISION=$(REVISION)
ALL_CFLAGS = $(READ_CFLAGS) $(WARN) $(HARDEN) $(CFLAGS)

# --- parts ---------------------------------------------------------------------------------------

ui      = cmd/ui cmd/usage
base    = common/fault common/clock common/name common/parse common/config common/buffer common/json \
          common/histogram
redis   = common/redis common/redis_heal common/redis_connect common/redis_reply common/redis_library library \
          common/server common/step common/retry common/remedy
people  = common/people common/stream
event   = common/event
records = common/record common/code common/run common/runlog common/who
ledger  = common/errand $(filter-out $(if $(LIBPQ),common/ledger_none,common/ledger_postgresql%), \
          $(basename $(wildcard common/ledger*.c)))
bus     = common/pipe common/dead_file
chunk   = $(basename $(wildcard common/chunk*.c))
deliver = $(basename $(wildcard common/deliver*.c)) common/coprocess
archive = $(basename $(wildcard common/archive*.c))
audit   = $(basename $(wildcard common/audit*.c)) audit_sql common/archive_live common/archive_record
kafka   = common/errand common/letter common/letter_json $(basename $(wildcard common/kafka*.c))
rebuild = $(basename $(wildcard common/rebuild*.c))
letters = cmd/letters common/pipe_mailbox

LUA = $(addprefix common/lua/,head.lua event.lua run.lua join.lua leave.lua rank.lua page.lua grant.lua \
	pool.lua award.lua confirm.lua park.lua archive.lua explain.lua)
SQL = $(addprefix common/sql/,tables.sql indexes.sql rebuild.sql views.sql promises.sql)

# --- tools ---------------------------------------------------------------------------------------

TOOLS = fcfs-event fcfs-codes fcfs-join fcfs-leave fcfs-rank fcfs-dispatch fcfs-issue fcfs-report fcfs-archive fcfs-audit fcfs-setup

fcfs-join     = $(ui) cmd/answers $(base) $(redis) $(people)
fcfs-leave    = $(ui) cmd/answers $(base) $(redis) $(people) common/who
fcfs-rank     = $(ui) cmd/answers cmd/explain cmd/table $(base) $(redis) $(people)
fcfs-event    = $(ui) cmd/ui_kafka cmd/table cmd/preflight $(base) $(redis) $(event) $(kafka) \
                common/record common/code common/who
fcfs-codes    = $(ui) cmd/table cmd/input cmd/output $(base) $(redis) $(people) $(event) common/pool \
                common/code common/who
fcfs-setup    = $(ui) cmd/ui_kafka cmd/preflight cmd/acl $(base) $(redis) $(event) $(kafka) \
                common/record
fcfs-dispatch = $(ui) cmd/ui_kafka $(base) $(redis) $(event) $(records) $(bus) $(kafka) common/instance \
                common/grant common/page common/publish common/publish_page common/dispatch
fcfs-issue    = $(ui) cmd/ui_kafka $(base) $(redis) $(event) $(records) $(bus) $(kafka) $(ledger) \
                $(deliver) common/instance common/award common/reconcile common/revoked common/job \
                common/books $(chunk) \
                common/takeover common/turns common/issue cmd/issue_delivery cmd/issue_redrive cmd/issue_return \
                $(letters) common/redrive common/giveback
fcfs-report   = $(ui) cmd/ui_kafka cmd/table cmd/input cmd/output cmd/report_kafka $(base) $(redis) $(event) \
                $(records) $(bus) $(kafka) $(letters) common/archive_file common/archive_record common/report \
                common/report_redis common/report_archive
fcfs-archive  = $(ui) cmd/ui_kafka cmd/table cmd/output cmd/archive_rebuild $(base) $(redis) $(event) $(records) \
                $(bus) $(kafka) $(ledger) $(archive) $(audit) $(rebuild)
fcfs-audit    = $(ui) cmd/ui_kafka cmd/table cmd/explain cmd/explain_sources $(base) $(redis) $(event) \
                $(records) $(bus) $(kafka) $(ledger) $(audit)

# The libraries a tool links beyond hiredis.
libs-fcfs-event    = jansson uuid rdkafka
libs-fcfs-codes    = uuid
libs-fcfs-setup    = jansson rdkafka
libs-fcfs-dispatch = jansson uuid rdkafka $(JEMALLOC)
libs-fcfs-issue    = jansson uuid sqlite3 rdkafka $(LIBPQ)
libs-fcfs-report   = jansson uuid rdkafka
libs-fcfs-archive  = jansson uuid sqlite3 rdkafka $(LIBPQ)
libs-fcfs-audit    = jansson uuid sqlite3 rdkafka $(LIBPQ)

# --- building ------------------------------------------------------------------------------------

binaries = $(addprefix $(BIN)/,$(TOOLS))

all: $(binaries)

.SECONDEXPANSION:
$(binaries): $(BIN)/%: $(BUILD)/cmd/%.o $$(addprefix $(BUILD)/,$$(addsuffix .o,$$(%)))
	@mkdir -p $(@D)
	@echo '  LD    $@'
	@$(CC) $(HARDEN_LD) $(LDFLAGS) -o $@ $^ $$(pkg-config --libs hiredis $(libs-$*))

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	@echo '  CC    $<'
	@$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/library.o: $(BUILD)/library.c
	@echo '  CC    $<'
	@$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(BUILD)/library.c: scripts/embed-lua $(LUA) $(BUILD)/numbers
	@mkdir -p $(@D)
	@echo '  LUA   $@'
	@scripts/embed-lua $(PROTOCOL) $(REVISION) $(LUA) > $@.new && mv $@.new $@

$(BUILD)/audit_sql.o: $(BUILD)/audit_sql.c
	@echo '  CC    $<'
	@$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(BUILD)/audit_sql.c: scripts/embed-sql $(SQL)
	@mkdir -p $(@D)
	@echo '  SQL   $@'
	@scripts/embed-sql $(SQL) > $@.new && mv $@.new $@

# Rebuilt when a number given on the command line, or whether there is libpq or jemalloc, differs from the last build's.
$(BUILD)/numbers: .FORCE
	@mkdir -p $(@D)
	@echo $(VERSION) $(PROTOCOL) $(REVISION) $(LIBPQ) $(JEMALLOC) | cmp -s - $@ || \
		echo $(VERSION) $(PROTOCOL) $(REVISION) $(LIBPQ) $(JEMALLOC) > $@
.FORCE:

# These have the numbers in them, too.
$(addprefix $(BUILD)/,$(addsuffix .o,cmd/ui cmd/acl common/step common/redis_library)): $(BUILD)/numbers

-include $(wildcard $(BUILD)/*/*.d $(BUILD)/*/*/*.d)

# --- tests ---------------------------------------------------------------------------------------

UNIT = $(BUILD)/tests/unit
unit_tests = $(patsubst tests/unit/%.c,$(UNIT)/%,$(wildcard tests/unit/test_*.c))
unit_parts = $(addprefix $(BUILD)/,$(addsuffix .o,$(base) $(redis) $(people) $(records) $(ledger) \
	$(bus) $(kafka) $(deliver) common/archive_record))

$(unit_tests): $(UNIT)/%: $(BUILD)/tests/unit/%.o $(unit_parts)
	@mkdir -p $(@D)
	@echo '  LD    $@'
	@$(CC) $(HARDEN_LD) $(LDFLAGS) -o $@ $^ $$(pkg-config --libs $(PKGS))

$(BUILD)/tests/unit/%.o: tests/unit/%.c
	@mkdir -p $(@D)
	@echo '  CC    $<'
	@$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

.PRECIOUS: $(BUILD)/%.o $(BUILD)/tests/unit/%.o

deps:
	@scripts/deps

deps-bench:
	@scripts/deps bench

deps-check:
	@scripts/deps check

# Installing comes first, and what is built asks pkg-config: hence another make.
check: deps-check
	@$(MAKE) --no-print-directory check-built

check-built: bench-built $(unit_tests)
	@FCFS_BIN="$$(cd "$(BIN)" && pwd)" FCFS_BENCH="$$(cd "$(BENCH)" && pwd)" FCFS_UNIT="$(UNIT)" scripts/check $(TESTS)

demo: deps
	@$(MAKE) --no-print-directory -s all
	@scripts/demo $(if $(KEEP),--keep)

# Long: 100,000 winners, 20 kills, a few minutes.
check-issuance: deps-check
	@$(MAKE) --no-print-directory -s all
	@scripts/check-issuance $(WINNERS) $(KILLS)

# Long: over a thousand kills and the other faults, about an hour; goes on where it was left, unless FRESH=1.
check-faults: deps-check
	@$(MAKE) --no-print-directory -s all
	@FCFS_BIN="$$(cd "$(BIN)" && pwd)" FRESH="$(FRESH)" tests/faults/run $(CELLS)

# --- measuring -----------------------------------------------------------------------------------

BENCH = $(BUILD)/bench
bench_programs = $(patsubst bench/%.c,$(BENCH)/%,$(wildcard bench/*.c))

$(bench_programs): $(BENCH)/%: $(BENCH)/%.o
	@echo '  LD    $@'
	@$(CC) $(HARDEN_LD) $(LDFLAGS) -o $@ $^ $$(pkg-config --libs hiredis)

bench-built: all $(bench_programs)

# Twenty minutes; SECTIONS="joins issue" for some of it, PAIRS=1 for a glance, PEER=DIR for the source design.
bench: deps-bench
	@$(MAKE) --no-print-directory -s bench-built
	@FCFS_BIN="$$(cd "$(BIN)" && pwd)" FCFS_BENCH="$$(cd "$(BENCH)" && pwd)" \
		scripts/bench $(if $(PAIRS),--pairs $(PAIRS)) $(if $(PEER),--peer "$(PEER)") $(SECTIONS)

# Instructions a join: a figure that does not depend on the machine's mood.
bench-count:
	@$(MAKE) --no-print-directory bench SECTIONS=count

# --- lint ----------------------------------------------------------------------------------------

lint:
	@scripts/lint

# One of its checks, which it has made here. Three look at what gcc built.
lint-%: .FORCE
	+@scripts/lint --alone $*
lint-tidy lint-links lint-hardening: lint-gcc

# So many states of a function clang-tidy looks at before it gives up. Continuous integration says 225000, its own
# limit, which takes three times as long: of 4,393 blocks, each marked, it came to 4,248, with this limit to 4,240.
STATES = 40000

# Marks that nothing was found in a file. It is looked at again when it has changed, or what it includes, or .clang-tidy.
$(BUILD)/%.tidy: $(BUILD)/%.o .clang-tidy tests/unit/.clang-tidy
	@clang-tidy --quiet $*.c -- $(READ_CFLAGS) $(WARN) -Xclang -analyzer-config -Xclang max-nodes=$(STATES) && touch $@

$(BUILD)/%.shell: % $(wildcard bench/*.bash scripts/*.bash tests/*.bash)
	@mkdir -p $(@D)
	@shellcheck -x $< && touch $@

# --- installing ----------------------------------------------------------------------------------

pages = $(wildcard man/*.1 man/*.7)

install: all
	install -d "$(DESTDIR)$(BINDIR)" "$(DESTDIR)$(MANDIR)/man1" "$(DESTDIR)$(MANDIR)/man7"
	install -m 755 $(binaries) scripts/fcfs-archive-ended "$(DESTDIR)$(BINDIR)"
	install -m 644 $(filter %.1,$(pages)) "$(DESTDIR)$(MANDIR)/man1"
	install -m 644 $(filter %.7,$(pages)) "$(DESTDIR)$(MANDIR)/man7"

uninstall:
	rm -f $(patsubst %,"$(DESTDIR)$(BINDIR)/%",$(TOOLS) fcfs-archive-ended)
	rm -f $(patsubst %,"$(DESTDIR)$(MANDIR)/man1/%",$(notdir $(filter %.1,$(pages))))
	rm -f $(patsubst %,"$(DESTDIR)$(MANDIR)/man7/%",$(notdir $(filter %.7,$(pages))))

clean:
	rm -rf build bin

.PHONY: all deps deps-bench deps-check check check-built check-issuance check-faults demo bench bench-built bench-count lint \
	install uninstall clean .FORCE
.DELETE_ON_ERROR:
