import { describe, expect, it } from "vitest";
import { metricMentions, metricProblem, namesIn } from "../../proof/documents/metrics.ts";
import { alertRules } from "../../proof/objects/alerts.ts";

const group = (...rules: readonly object[]) => ({ cilium: "1.18.4", groups: [{ name: "cilium", rules }] });
const alert = (expr: string, more: object = {}) => group({ alert: "A", expr, ...more });

const fixtures: Record<string, { refused: [ReturnType<typeof group>, RegExp][]; passes: ReturnType<typeof group>[] }> =
  {
    "GB-1601": {
      refused: [
        [alert('increase(cilium_policy_verdict_total{verdict="DENIED"}[5m]) > 10'), /cilium_policy_verdict_total/],
        [alert("rate(hubble_drops_total[1m]) > 1"), /hubble_drops_total/],
      ],
      passes: [
        alert('increase(cilium_drop_count_total{reason="Policy denied"}[5m]) > 10'),
        alert("histogram_quantile(0.99, rate(cilium_k8s_client_api_latency_time_seconds_bucket[5m])) > 1"),
        alert('up{job="cilium_agent_exporter"} == 0'),
        group(
          { record: "cilium_own_rate", expr: "rate(cilium_drop_count_total[5m])" },
          { alert: "A", expr: "cilium_own_rate > 1" },
        ),
      ],
    },
    "GB-1602": {
      refused: [
        [alert("cilium_unreachable_nodes > 0", { for: "5 minutes" }), /5 minutes/],
        [alert("cilium_unreachable_nodes > 0", { for: 5 }), /5/],
      ],
      passes: [alert("cilium_unreachable_nodes > 0", { for: "1h30m" }), alert("node_load1 > 0", { for: "soon" })],
    },
    "GB-1603": {
      refused: [
        [group({ expr: "cilium_unreachable_nodes > 0" }), /neither/],
        [group({ alert: "A", record: "b", expr: "cilium_unreachable_nodes > 0" }), /both/],
      ],
      passes: [group({ record: "b", expr: "cilium_unreachable_nodes" })],
    },
    "GB-1604": {
      refused: [[alert('rate(hubble_flows_processed_total{verdict="DENIED"}[5m]) > 1'), /DENIED/]],
      passes: [
        alert('rate(hubble_flows_processed_total{verdict="DROPPED"}[5m]) > 1'),
        alert('rate(hubble_flows_processed_total{verdict=~"DROP.*"}[5m]) > 1'),
      ],
    },
    "GB-1605": {
      refused: [[alert('rate(cilium_policy_l7_total{rule="dropped"}[5m]) > 1'), /dropped/]],
      passes: [alert('rate(cilium_policy_l7_total{rule="denied"}[5m]) > 1')],
    },
    "GB-1606": {
      refused: [
        [alert("increase(cilium_drop_count_total[5m]) > 100", { labels: { severity: "critical" } }), /any reason/],
      ],
      passes: [
        alert("increase(cilium_drop_count_total[5m]) > 100", { labels: { severity: "warning" } }),
        alert("sum by (reason) (increase(cilium_drop_count_total[5m])) > 100", { labels: { severity: "critical" } }),
      ],
    },
    "GB-1607": {
      refused: [[alert("cilium_drop_count_total > 100"), /cilium_drop_count_total only grows/]],
      passes: [alert("rate(cilium_drop_count_total[5m]) > 100"), alert("cilium_controllers_failing > 0")],
    },
  };

const found = (code: string, given: ReturnType<typeof group>) =>
  alertRules.filter((rule) => rule.code === code).flatMap((rule) => rule.check(given));

describe("alert rules", () => {
  it("have a fixture to refuse and a near miss to pass, each", () => {
    expect(Object.keys(fixtures).toSorted()).toEqual(alertRules.map(({ code }) => code).toSorted());
  });

  describe.each(Object.entries(fixtures))("%s", (code, { refused, passes }) => {
    it.each(refused)("refuses %j", (given, named) => {
      expect(
        found(code, given)
          .map(({ message }) => message)
          .join("\n"),
      ).toMatch(named);
    });
    it.each(passes.map((given) => [given]))("passes %j", (given) => {
      expect(found(code, given)).toEqual([]);
    });
  });
});

describe("metric names", () => {
  it("are read out of an expression without its strings and labels", () => {
    expect(namesIn('sum by (cilium_cluster) (rate(cilium_forward_count_total{x="hubble_no_total"}[5m]))')).toEqual([
      "cilium_forward_count_total",
    ]);
    expect(namesIn("cilium:drops:rate5m > hubble_lost_events_total")).toEqual(["hubble_lost_events_total"]);
  });

  it.each([
    ["cilium_policy_l7_denied_total", "1.20.2", /cilium_policy_l7_total\{rule="denied"\}/],
    ["cilium_drop_counts_total", "1.20.2", /cilium_drop_count_total/],
    ["cilium_node_connectivity_status", "1.20.2", /1\.18 and 1\.19|Did you mean|Look it up/],
  ])("%s is none of %s", (name, cilium, told) => {
    const problem = metricProblem(name, cilium);
    expect(`${problem?.message} ${problem?.fix}`).toMatch(told);
  });

  it.each([
    "cilium_feature_adv_connect_and_lb_bandwidth_manager_enabled",
    "cilium_operator_process_cpu_seconds_total",
  ])("%s belongs to a family", (name) => expect(metricProblem(name, "1.20.2")).toBeUndefined());

  it("in prose count unless the line tells of their end", () => {
    const text =
      "Watch `cilium_drops_total`.\ncilium_drops_total was removed.\nip link show cilium_wg0\n`cilium_drop_count_total`";
    expect(metricMentions(text, "1.18.4").map(({ line }) => line)).toEqual([1]);
  });
});
