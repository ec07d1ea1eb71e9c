// What ends next: certificates by hours and days, issuers, trust anchors, the policy bundle, and the next steps of issuers.
import type { Overview } from '../../../adapters/http/admin/administer-overview.ts';
import type { IssuerRow } from '../../../authority/administration/issuer-overview.ts';
import { Table, type Row } from '../../parts/table.tsx';
import { Code, Moment, Name, State } from '../../parts/values.tsx';
import { Horizon, type Mark } from './horizon.tsx';
import { issuerState } from '../issuers.tsx';
import type { PageProps } from '../pages.tsx';

interface Props extends PageProps {
  readonly of: Overview;
  readonly issuers: readonly IssuerRow[];
}

export function WhatEnds({ of: overview, issuers, address }: Props) {
  return (
    <>
      <Horizon address={address} marks={marksOf(overview, issuers)} />
      <Table
        caption="What ends next"
        head={['What', 'State', 'Ends']}
        none="Nothing is known to end."
        rows={endsOf(overview, issuers)}
      />
    </>
  );
}

interface End {
  readonly key: string;
  readonly what: Row['cells'][number];
  readonly state: Row['cells'][number];
  readonly atMs: number;
}

function endsOf({ figures }: Overview, issuers: readonly IssuerRow[]): readonly Row[] {
  const { anchors, bundleSoftExpiryMs, bundleHardExpiryMs, rollovers } = figures;
  const ends: readonly End[] = [
    ...issuers.flatMap((row): End[] => {
      const { name, id = '', notAfterMs } = row;
      if (notAfterMs === undefined) return [];
      const what = (
        <>
          issuer <Name of={name === '' ? id : name} />
        </>
      );
      return [{ key: `issuer ${name} ${id}`, what, state: issuerState(row), atMs: notAfterMs }];
    }),
    ...anchors.map(({ anchor, subject, endsMs, distributed }) => ({
      key: `anchor ${anchor}`,
      what: (
        <>
          trust anchor <Name of={subject} /> <Code of={anchor} />
        </>
      ),
      state: distributed ? <State word="distributed" tone="good" /> : <State word="not distributed" tone="warn" />,
      atMs: endsMs,
    })),
    ...[
      ['policy bundle, to be replaced', bundleSoftExpiryMs] as const,
      ['policy bundle, for new identities', bundleHardExpiryMs] as const,
    ].flatMap(([what, atMs]): End[] => (atMs === undefined ? [] : [{ key: what, what, state: '', atMs }])),
    ...rollovers.map(({ issuer, step, dueMs }) => ({
      key: `rollover ${issuer} ${step}`,
      what: (
        <>
          issuer <Name of={issuer} />: {STEPS[step] ?? step}
        </>
      ),
      state: '',
      atMs: dueMs,
    })),
  ];
  return ends
    .toSorted((a, b) => a.atMs - b.atMs)
    .map(({ key, what, state, atMs }) => ({ key, cells: [what, state, <Moment at={atMs} />] }));
}

function marksOf({ figures }: Overview, issuers: readonly IssuerRow[]): readonly Mark[] {
  return [
    ...issuers.flatMap(({ name, id = '', notAfterMs }) =>
      notAfterMs === undefined ? [] : [{ name: `issuer ${name === '' ? id : name}`, atMs: notAfterMs }],
    ),
    ...figures.anchors.map(({ subject, endsMs }) => ({ name: `trust anchor ${subject}`, atMs: endsMs })),
  ];
}

const STEPS: Readonly<Record<string, string>> = {
  ask: 'asks its upstream for the next certificate',
  activate: 'signs with the next certificate',
};
