// Istio's own charts, from the source that the peers are built from, rendered with the values of istio-config/istio.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { renderFolder } from '../../support/chart.ts';
import type { ClusterObject } from '../../support/cluster-api.ts';
import { findProgram, istioSource } from '../../../programs/programs.ts';

const VALUES = path.resolve(import.meta.dirname, '../../../../../istio-config/istio');
const CHARTS = { istiod: 'istio-control/istio-discovery', ztunnel: 'ztunnel' } as const;
export type IstioChart = keyof typeof CHARTS;

/** @returns the folders of the charts, or `undefined` when Helm, Go or the source of Istio is absent. */
export function istioCharts(): Readonly<Record<IstioChart, string>> | undefined {
  if (findProgram('helm') === undefined || findProgram('istiod') === undefined) return undefined;
  const home = path.join(istioSource(), 'manifests/charts');
  return existsSync(home)
    ? { istiod: path.join(home, CHARTS.istiod), ztunnel: path.join(home, CHARTS.ztunnel) }
    : undefined;
}

/** @param files of `istio-config/istio`, without `.yaml`, the later ones laid over the earlier. */
export function renderIstio(chart: IstioChart, ...files: readonly string[]): readonly ClusterObject[] {
  const charts = istioCharts();
  if (charts === undefined) throw new Error("Istio's charts are not here: npm run peers");
  const values = files.map((file) => path.join(VALUES, `${file}.yaml`));
  return renderFolder({ chart: charts[chart], release: chart, namespace: 'istio-system', values }).objects;
}
