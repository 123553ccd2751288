/* json.c - everything that was measured, for programs. */
#include <errno.h>
#include <jansson.h>

#include "tests/bench/report.h"

static json_t *json_of_series(const struct series *series)
{
	struct spread spread = series_spread(series);
	json_t *rounds = json_array();

	for (size_t i = 0; i < series->n; i++)
		json_array_append_new(rounds, json_real(series->values[i]));
	return json_pack("{s:f, s:f, s:f, s:o}", "median", spread.median, "lowest", spread.lowest,
			 "highest", spread.highest, "rounds", rounds);
}

static json_t *json_of_figures(const struct report *report,
			       const struct group *group,
			       enum placement placement,
			       enum load load)
{
	const struct figures *figures = report->figures[placement][load];
	json_t *all = json_object();

	for (enum who who = group->first; who <= group->last; who++)
		if (figures[who].wall_us.n > 0)
			json_object_set_new(all, report->names[who],
					    json_pack("{s:o, s:o}", "wall_us",
						      json_of_series(&figures[who].wall_us),
						      "cpu_us",
						      json_of_series(&figures[who].cpu_us)));
	return all;
}

static json_t *json_of_loads(const struct report *report,
			     const struct group *group,
			     enum placement placement)
{
	return json_pack("{s:o, s:o}", "round_trip",
			 json_of_figures(report, group, placement, LOAD_ROUND_TRIP), "pipelined",
			 json_of_figures(report, group, placement, LOAD_PIPELINED));
}

static json_t *json_of_groups(const struct report *report, enum placement placement)
{
	json_t *all = json_object();

	for (size_t i = 0; i < N_GROUPS; i++)
		if (groups[i].placements[placement])
			json_object_set_new(all, groups[i].name,
					    json_of_loads(report, &groups[i], placement));
	return all;
}

static json_t *json_of_spread(struct spread spread)
{
	return json_pack("{s:f, s:f, s:f}", "median", spread.median, "lowest", spread.lowest,
			 "highest", spread.highest);
}

static json_t *json_of_marks(const struct report *report)
{
	json_t *all = json_array();

	for (size_t i = 0; i < N_MARKS; i++) {
		const struct mark *mark = &marks[i];

		if (!mark_is_measured(report, mark))
			continue;
		json_array_append_new(
			all,
			json_pack("{s:s, s:s, s:f, s:o, s:o, s:o}", "mark", mark->text, "must_be",
				  mark->speed ? "at least" : "at most", "limit", mark->limit,
				  "wall", json_of_spread(mark_ratio(report, mark, false)), "cpu",
				  json_of_spread(mark_ratio(report, mark, true)), "met",
				  mark->limit > 0 ? json_boolean(mark_is_met(report, mark))
						  : json_null()));
	}
	return all;
}

static json_t *json_of_idle(const struct idle *idle)
{
	return json_pack("{s:f, s:f, s:f}", "server_bytes", idle->server, "kernel_bytes",
			 idle->kernel, "client_bytes", idle->client);
}

static json_t *json_of_life(const struct report *report)
{
	json_t *all = json_object();

	for (enum who who = THREAD; report->has_life && who <= PROCESS; who++) {
		const struct life *life = &report->life[who];

		json_object_set_new(all, who == THREAD ? "thread tier" : "process tier",
				    json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
					      "spawn_ms", json_of_series(&life->spawn_ms),
					      "first_reply_ms", json_of_series(&life->first_ms),
					      "bind_us", json_of_series(&life->bind_us),
					      "verify_us", json_of_series(&life->verify_us),
					      "bind_1_us", json_of_series(&life->bind_chain_us[0]),
					      "bind_3_us", json_of_series(&life->bind_chain_us[1]),
					      "instance", json_of_idle(&life->instance),
					      "connection", json_of_idle(&life->connection)));
	}
	if (report->life[REDIS].connection.server > 0)
		json_object_set_new(all, report->names[REDIS],
				    json_pack("{s:o}", "connection",
					      json_of_idle(&report->life[REDIS].connection)));
	return all;
}

static json_t *json_of_crowds(const struct report *report)
{
	json_t *all = json_object();

	for (enum crowd_kind i = 0; i < N_CROWDS; i++)
		json_object_set_new(all, crowd_names[i],
				    json_pack("{s:I, s:f, s:f}", "connections",
					      (json_int_t)report->crowds[i].n, "added_bytes",
					      report->crowds[i].added, "all_bytes",
					      report->crowds[i].all));
	return all;
}

static json_t *json_of_floods(const struct flooded *floods)
{
	json_t *all = json_object();

	for (enum flood flood = 0; flood < N_FLOODS; flood++)
		json_object_set_new(all, flood_names[flood],
				    json_pack("{s:o, s:o, s:o}", "alone_us",
					      json_of_series(&floods[flood].alone_us), "flooded_us",
					      json_of_series(&floods[flood].flooded_us),
					      "beside_us",
					      json_of_series(&floods[flood].beside_us)));
	return all;
}

static json_t *json_of_replayed(const struct replayed *replayed)
{
	return json_pack("{s:I, s:I, s:f, s:f, s:f}", "calls", (json_int_t)replayed->n, "bytes",
			 (json_int_t)replayed->n_bytes, "calls_s", replayed->calls_s, "all_s",
			 replayed->all_s, "few_s", replayed->few_s);
}

static json_t *json_of_recoveries(const struct report *report)
{
	json_t *all = json_object();

	for (size_t i = 0; i < 2; i++)
		json_object_set_new(all, i == 0 ? "thread tier" : "process tier",
				    json_pack("{s:I, s:f, s:f}", "instances",
					      (json_int_t)report->recoveries[i].n, "listens_s",
					      report->recoveries[i].listens_s, "all_s",
					      report->recoveries[i].all_s));
	return all;
}

int json_write(const struct report *report, const char *path)
{
	json_t *all = json_pack("{s:s, s:s, s:i, s:i, s:s, s:s, s:f, s:I, s:f, s:o, s:o, s:o, s:o}",
				"version", WAT_VERSION, "processor", report->processor, "cores",
				report->n_cores, "pinned_core", report->core, "kernel",
				report->kernel, "redis", report->redis, "load", report->load,
				"rounds", (json_int_t)report->n_rounds, "round_s", report->seconds,
				"pinned", json_of_groups(report, PINNED), "unpinned",
				json_of_groups(report, UNPINNED), "marks", json_of_marks(report),
				"life", json_of_life(report));
	int r;

	json_object_set_new(all, "crowds", json_of_crowds(report));
	json_object_set_new(all, "floods",
			    json_pack("{s:o, s:o}", "unix", json_of_floods(report->floods[0]),
				      "TCP", json_of_floods(report->floods[1])));
	json_object_set_new(all, "recoveries", json_of_recoveries(report));
	json_object_set_new(all, "replayed", json_of_replayed(&report->replayed));
	r = all ? json_dump_file(all, path, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) : -1;

	json_decref(all);
	return r < 0 ? -EIO : 0;
}
