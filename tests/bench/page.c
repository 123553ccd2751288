/* page.c - the first page. */
#include "tests/bench/report.h"

#ifdef __clang__
#define COMPILER __VERSION__
#else
#define COMPILER "gcc " __VERSION__
#endif
#if defined(WAT_DEBUG) || defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define BUILD ", NO RELEASE BUILD"
#else
#define BUILD ""
#endif

static void print_head(const struct report *report, FILE *out)
{
	fprintf(out, "watd " WAT_VERSION ", " COMPILER BUILD " | %s, %d cores | Linux %s",
		report->processor, report->n_cores, report->kernel);
	if (*report->redis)
		fprintf(out, " | Redis %s", report->redis);
	fprintf(out,
		"\n%zu rounds of %.2f s each, interleaved; load of the machine at the start %.1f\n"
		"median [lowest to highest round]; of raw, of Redis: medians of the rounds' "
		"ratios\n",
		report->n_rounds, report->seconds, report->load);
}

static void print_ratio(FILE *out, const struct series *of, const struct series *to)
{
	struct series ratio = series_ratio(of, to);

	if (ratio.n > 0)
		fprintf(out, "  %7.2f", series_spread(&ratio).median);
	else
		fprintf(out, "  %7s", "-");
}

/* Round trips in microseconds, pipelined calls in millions a second. */
static struct series shown(const struct series *wall_us, enum load load)
{
	struct series speed = {0};

	if (load == LOAD_ROUND_TRIP)
		return *wall_us;
	for (size_t i = 0; i < wall_us->n; i++)
		series_add(&speed, 1 / wall_us->values[i]);
	return speed;
}

static void print_row(const struct report *report,
		      const struct group *group,
		      enum placement placement,
		      enum load load,
		      enum who who,
		      FILE *out)
{
	const struct figures *all = report->figures[placement][load], *figures = &all[who];
	struct series values = shown(&figures->wall_us, load);
	struct spread spread = series_spread(&values);
	bool times = load == LOAD_ROUND_TRIP;
	int digits = times || spread.median >= 0.1 ? 2 : 4;

	fprintf(out, "  %-15s %8.*f [%6.*f to %6.*f]", report->names[who], digits, spread.median,
		digits, spread.lowest, digits, spread.highest);
	for (int cpu = 0; cpu < 2; cpu++) {
		const struct series *own = cpu ? &figures->cpu_us : &figures->wall_us;

		if (cpu)
			fprintf(out, "  %8.2f", series_spread(own).median);
		for (size_t i = 0; i < 2; i++) {
			const struct figures *to = &all[group->to[i]];
			const struct series *other = cpu ? &to->cpu_us : &to->wall_us;

			print_ratio(out, times ? own : other, times ? other : own);
		}
	}
	fputc('\n', out);
}

static void print_table(const struct report *report,
			const struct group *group,
			enum placement placement,
			enum load load,
			FILE *out)
{
	const char *const *to = group->to_names;

	fprintf(out, "\n%s: Increment, %s, %s\n", group->name,
		load == LOAD_ROUND_TRIP ? "one call under way"
					: "4 connections x 64 calls under way",
		placement == PINNED ? "client and server on one core" : "on all cores");
	fprintf(out, "  %-15s %8s %18s  %7s  %7s  %8s  %7s  %7s\n", "",
		load == LOAD_ROUND_TRIP ? "us" : "M/s", "", to[0], to[1], "CPU us", to[0], to[1]);
	for (enum who who = group->first; who <= group->last; who++)
		if (report->figures[placement][load][who].wall_us.n > 0)
			print_row(report, group, placement, load, who, out);
}

static bool is_measured(const struct report *report,
			const struct group *group,
			enum placement placement)
{
	const struct figures *figures = report->figures[placement][LOAD_PIPELINED];

	for (enum who who = group->first; who <= group->last; who++)
		if (figures[who].wall_us.n > 0)
			return true;
	return false;
}

static void print_group(const struct report *report, const struct group *group, FILE *out)
{
	for (enum placement placement = 0; placement < N_PLACEMENTS; placement++)
		for (enum load load = 0; is_measured(report, group, placement) && load < N_LOADS;
		     load++)
			print_table(report, group, placement, load, out);
}

static const char *verdict(const struct report *report, const struct mark *mark)
{
	if (!(mark->limit > 0))
		return "no mark";
	return mark_is_met(report, mark) ? "met" : "MISSED";
}

static void print_marks(const struct report *report, FILE *out)
{
	fputs("\nMarks, client and server on one core, durability none where nothing is said; sync "
	      "on all cores\n",
	      out);
	for (size_t i = 0; i < N_MARKS; i++) {
		const struct mark *mark = &marks[i];
		struct spread wall = mark_ratio(report, mark, false);

		if (!mark_is_measured(report, mark))
			continue;
		fprintf(out, "  %-35s ", mark->text);
		if (mark->limit > 0)
			fprintf(out, "%s %4.1f", mark->speed ? ">=" : "<=", mark->limit);
		else
			fprintf(out, "%7s", "");
		fprintf(out, "  %6.2f [%5.2f to %5.2f]  by CPU time %6.2f  %s\n", wall.median,
			wall.lowest, wall.highest, mark_ratio(report, mark, true).median,
			verdict(report, mark));
	}
}

static void print_bytes(FILE *out, double bytes)
{
	if (bytes <= 0)
		fprintf(out, "  %9s", "-");
	else
		fprintf(out, "  %6.1f KiB", bytes / 1024);
}

static void print_spread(FILE *out, const char *unit, const struct series *series)
{
	struct spread spread = series_spread(series);

	fprintf(out, "  %8.2f %s [%.2f to %.2f]\n", spread.median, unit, spread.lowest,
		spread.highest);
}

static const char *tier_name(enum who who)
{
	return who == THREAD ? "thread tier" : "process tier";
}

/* What verifies it: the token's signature, each delegation's, the proof's. */
static void print_bind(FILE *out,
		       const struct series *bind_us,
		       const struct series *verify_us,
		       unsigned n_delegations)
{
	const double n_verifications = 2.0 + n_delegations;
	double ratio =
		series_spread(bind_us).median / (series_spread(verify_us).median * n_verifications);

	fprintf(out,
		"  %-15s   with %u delegations  %8.2f us, of %u Ed25519 verifications <= %.1f: "
		"%.2f  "
		"%s\n",
		"", n_delegations, series_spread(bind_us).median, 2 + n_delegations, BIND_LIMIT,
		ratio, ratio <= BIND_LIMIT ? "met" : "MISSED");
}

static void print_beginnings(const struct report *report, enum who who, FILE *out)
{
	const struct life *life = &report->life[who];

	fprintf(out, "  %-15s spawn               ", tier_name(who));
	print_spread(out, "ms", &life->spawn_ms);
	fprintf(out, "  %-15s spawn to first reply", "");
	print_spread(out, "ms", &life->first_ms);
	fprintf(out, "  %-15s bind                ", "");
	print_spread(out, "us", &life->bind_us);
	print_bind(out, &life->bind_us, &life->verify_us, 0);
	for (size_t i = 0; i < LIFE_CHAINS; i++)
		print_bind(out, &life->bind_chain_us[i], &life->verify_us, life_delegations[i]);
}

static void print_idle(FILE *out, const char *name, const char *what, const struct idle *idle)
{
	fprintf(out, "  %-15s %-20s", name, what);
	print_bytes(out, idle->server);
	print_bytes(out, idle->kernel);
	print_bytes(out, idle->client);
	fputc('\n', out);
}

static void print_life(const struct report *report, FILE *out)
{
	fprintf(out, "\nBeginnings (%zu spawns, %zu binds), durability crash\n",
		report->life_size.n_spawns, report->life[THREAD].bind_us.n);
	print_beginnings(report, THREAD, out);
	print_beginnings(report, PROCESS, out);
	fprintf(out,
		"\nMemory, each (of %zu instances, %zu connections)\n"
		"  %-36s  %10s  %10s  %10s\n",
		report->life_size.n_instances, report->life_size.n_connections, "", "server",
		"kernel", "client");
	for (enum who who = THREAD; who <= PROCESS; who++) {
		print_idle(out, tier_name(who), "instance", &report->life[who].instance);
		print_idle(out, "", "idle connection", &report->life[who].connection);
	}
	if (report->life[REDIS].connection.server > 0)
		print_idle(out, report->names[REDIS], "idle connection",
			   &report->life[REDIS].connection);
}

static void print_crowd(const struct crowd *crowd, const char *name, FILE *out)
{
	const double limit = CROWD_LIMIT / 10000 * (double)crowd->n, mib = 1024 * 1024;

	if (crowd->n == 0)
		return;
	fprintf(out,
		"  %-15s %zu connections take %5.1f MiB, %4.1f KiB each; <= %.0f MiB: %s (all "
		"processes then have %.1f MiB)\n",
		name, crowd->n, crowd->added / mib, crowd->added / 1024 / (double)crowd->n,
		limit / mib, crowd->added <= limit ? "met" : "MISSED", crowd->all / mib);
}

static void print_crowds(const struct report *report, FILE *out)
{
	if (report->crowds[0].n == 0)
		return;
	fputs("\nIdle connections, each with its own socket to watd, bound and used once if "
	      "nothing "
	      "is said\n",
	      out);
	for (enum crowd_kind kind = 0; kind < N_CROWDS; kind++)
		print_crowd(&report->crowds[kind], crowd_names[kind], out);
}

static void print_flood(const struct flooded *flooded, const char *by, const char *name, FILE *out)
{
	struct series ratio = series_ratio(&flooded->flooded_us, &flooded->alone_us);
	struct series of_beside = series_ratio(&flooded->flooded_us, &flooded->beside_us);
	struct spread spread = series_spread(&ratio);

	if (flooded->alone_us.n == 0)
		return;
	fprintf(out,
		"  %-6s %-11s %8.2f us alone, %8.2f us flooded; <= %.1f  %6.2f [%5.2f to %5.2f]  "
		"%-6s  %8.2f us beside, %5.2f of that\n",
		by, name, series_spread(&flooded->alone_us).median,
		series_spread(&flooded->flooded_us).median, FLOOD_LIMIT, spread.median,
		spread.lowest, spread.highest, spread.median <= FLOOD_LIMIT ? "met" : "MISSED",
		series_spread(&flooded->beside_us).median, series_spread(&of_beside).median);
}

static void print_floods(const struct report *report, FILE *out)
{
	if (report->floods[0][0].alone_us.n == 0)
		return;
	fputs("\nAn innocent client while another floods: the 99th percentile of its round trips\n",
	      out);
	for (size_t i = 0; i < 2; i++)
		for (enum flood flood = 0; flood < N_FLOODS; flood++)
			print_flood(&report->floods[i][flood], i == 0 ? "unix" : "TCP",
				    flood_names[flood], out);
}

static void print_recoveries(const struct report *report, FILE *out)
{
	const struct recovery *recoveries = report->recoveries;

	if (recoveries[0].n == 0)
		return;
	fputs("\nAfter kill -9 of everything: each instance has a journal, and answers a client "
	      "from "
	      "before\n",
	      out);
	for (size_t i = 0; i < 2; i++)
		fprintf(out,
			"  %-15s %4zu instances: watd answers after %.3f s, all of them after %.3f "
			"s, %.2f ms each\n",
			i == 0 ? "thread tier" : "process tier", recoveries[i].n,
			recoveries[i].listens_s, recoveries[i].all_s,
			recoveries[i].all_s * 1e3 / (double)recoveries[i].n);
}

static void print_replayed(const struct replayed *replayed, FILE *out)
{
	if (replayed->n == 0)
		return;
	fprintf(out,
		"  journal of calls %zu calls in %.1f MB, which had taken %.3f s: back after %.3f "
		"s, with one call "
		"after %.3f s; %.2f us for each\n",
		replayed->n, (double)replayed->n_bytes / 1e6, replayed->calls_s, replayed->all_s,
		replayed->few_s,
		(replayed->all_s - replayed->few_s) * 1e6 / (double)(replayed->n - 1));
}

void page_print(const struct report *report, FILE *out)
{
	print_head(report, out);
	for (size_t i = 0; i < N_GROUPS; i++)
		print_group(report, &groups[i], out);
	print_marks(report, out);
	if (report->has_life)
		print_life(report, out);
	print_crowds(report, out);
	print_floods(report, out);
	print_recoveries(report, out);
	print_replayed(&report->replayed, out);
	fputs("\nWhat the rows mean, and what they don't: docs/bench.md\n", out);
}
