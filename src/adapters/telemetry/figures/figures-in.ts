// What a page shows of a server's own numbers, read from its metrics: so that a page and a dashboard cannot disagree, and several
// processes count as one.
import type { ServerFigures } from '../../../authority/chores/server-figures.ts';
import { metricSamples, type MetricSample } from './metric-samples.ts';

/** @param text the metrics in the Prometheus text format. */
export function figuresIn(text: string): ServerFigures {
  const samples = metricSamples(text);
  const named = (name: string): readonly MetricSample[] => samples.filter((one) => one.name === `capstan_${name}`);
  const decisions = named('decisions_total');
  const outageBudgetMs = soonest(named('outage_budget_seconds'));
  const overdue = named('overdue_identities');
  const bundleSoftExpiryMs = soonest(named('policy_bundle_soft_expiry_seconds'));
  const bundleHardExpiryMs = soonest(named('policy_bundle_hard_expiry_seconds'));
  return {
    issued: sum(decisions.filter(({ labels }) => labels['outcome'] === 'issued')),
    refused: refusalsIn(decisions),
    streams: sum(named('sds_streams')),
    ...(outageBudgetMs !== undefined && { outageBudgetMs }),
    ...(overdue.length > 0 && { overdue: sum(overdue) }),
    ...(bundleSoftExpiryMs !== undefined && { bundleSoftExpiryMs }),
    ...(bundleHardExpiryMs !== undefined && { bundleHardExpiryMs }),
    anchors: anchorsIn(named('trust_anchor_end_seconds')),
    rollovers: rolloversIn(named('issuer_rollover_due_seconds')),
  };
}

function refusalsIn(decisions: readonly MetricSample[]): ServerFigures['refused'] {
  const refused = decisions.filter(({ labels, value }) => labels['outcome'] === 'refused' && value > 0);
  const byReason = Object.groupBy(refused, ({ labels }) => labels['reason'] ?? '');
  return Object.fromEntries(Object.entries(byReason).map(([reason, ones = []]) => [reason, sum(ones)]));
}

/** Of several processes each says the same of one anchor. */
function anchorsIn(samples: readonly MetricSample[]): ServerFigures['anchors'] {
  const byAnchor = new Map(
    samples.map(({ labels: { anchor = '', subject = '', distributed }, value }) => [
      anchor,
      { anchor, subject, endsMs: value * 1_000, distributed: distributed === 'true' },
    ]),
  );
  return [...byAnchor.values()];
}

function rolloversIn(samples: readonly MetricSample[]): ServerFigures['rollovers'] {
  const byStep = new Map(
    samples.map(({ labels: { issuer = '', step = '' }, value }) => [
      `${issuer} ${step}`,
      { issuer, step, dueMs: value * 1_000 },
    ]),
  );
  return [...byStep.values()];
}

/** In ms; what never comes is not known. */
function soonest(samples: readonly MetricSample[]): number | undefined {
  const known = samples.map(({ value }) => value * 1_000).filter(Number.isFinite);
  return known.length === 0 ? undefined : Math.min(...known);
}

function sum(samples: readonly MetricSample[]): number {
  return samples.reduce((total, { value }) => total + value, 0);
}
