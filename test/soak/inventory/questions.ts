// What operators, teams and the console ask of an inventory, a kind of question in each line: from the beginning, from wherever a cursor
// may stand, and what nobody meets.
import type { InventoryConditions, InventoryPlace } from '../../../src/domain/inventory/question.ts';
import { ANCHORS, BUSY, HOUR_MS, ISSUERS, livesOf, namesOf, REVISIONS, type Sizes } from './entries.ts';

export interface Asked {
  readonly conditions: InventoryConditions;
  readonly after?: InventoryPlace;
  /** Of a team, which sees these alone. */
  readonly namespaces?: readonly string[];
}

export interface Kind {
  readonly name: string;
  /** @param random in [0, 1). */
  readonly ask: (random: () => number) => Asked;
  /** Whether a page goes on where the last one of this kind ended. */
  readonly walks?: boolean;
  /** Whether every page has somebody: who is asked for is there. */
  readonly finds?: boolean;
}

const BUSY_IDENTITY = `spiffe://cluster.local/ns/${BUSY.namespace}/sa/${BUSY.serviceAccount}`;
const MONTH_MS = 30 * 24 * HOUR_MS;
const TEAM_NAMESPACES = 5;

/** @param sizes of the inventory. @param nowMs when it was made. */
export function kindsOf(sizes: Sizes, nowMs: number): readonly Kind[] {
  const whole = (random: () => number, below: number): number => Math.floor(random() * below);
  const anybody = (random: () => number): number => whole(random, sizes.ended + sizes.live);
  const living = (random: () => number): number => {
    for (let number = anybody(random); ; number += 1) if (livesOf(number, sizes)) return number;
  };
  const team = (random: () => number): string => namesOf(living(random)).namespace;
  const by = (of: (random: () => number) => InventoryConditions) => (random: () => number) => ({
    conditions: of(random),
  });
  const behind = (order: InventoryPlace['order'], random: () => number, atMs?: number): InventoryPlace => {
    const { identity } = namesOf(anybody(random));
    return { order, identity, cluster: 'east', podUid: '', ...(atMs !== undefined && { atMs }) };
  };
  const deep = (
    name: string,
    order: InventoryPlace['order'],
    conditions: InventoryConditions,
    fromMs = 0,
    forMs = 0,
  ): Kind => ({
    name: `${name}, from anywhere`,
    ask: (random) => ({
      conditions,
      after: behind(order, random, order === 'identity' ? undefined : fromMs + whole(random, forMs)),
    }),
  });
  const walk = (name: string, conditions: InventoryConditions): Kind => ({
    name: `${name}, page after page`,
    walks: true,
    ask: () => ({ conditions }),
  });
  const ofTeam = (name: string, conditions: InventoryConditions): Kind => ({
    name: `a team's ${TEAM_NAMESPACES} namespaces${name}`,
    ask: (random) => ({ conditions, namespaces: Array.from({ length: TEAM_NAMESPACES }, () => team(random)) }),
  });
  return [
    walk('all', {}),
    deep('all', 'identity', {}),
    { name: 'namespace', finds: true, ask: by((random) => ({ namespace: team(random) })) },
    walk('the largest namespace', { namespace: BUSY.namespace }),
    { name: 'node', finds: true, ask: by((random) => ({ nodeName: namesOf(living(random)).nodeName })) },
    walk('issuer of most', { issuer: ISSUERS.common }),
    { name: 'issuer of few', ask: by(() => ({ issuer: ISSUERS.rare })) },
    walk('name of issuers', { issuerName: 'default' }),
    deep('anchor of most', 'identity', { trustAnchor: ANCHORS.common }),
    { name: 'anchor of few', ask: by(() => ({ trustAnchor: ANCHORS.rare })) },
    deep('policy revision of most', 'identity', { policyRevision: REVISIONS.common }),
    { name: 'policy revision of few', ask: by(() => ({ policyRevision: REVISIONS.rare })) },
    deep('cluster', 'identity', { cluster: 'west' }),
    { name: 'identity', finds: true, ask: by((random) => ({ identity: namesOf(anybody(random)).identity })) },
    walk('identity of one in twenty', { identity: BUSY_IDENTITY }),
    {
      name: 'identity that ended',
      ask: by((random) => ({ identity: namesOf(anybody(random)).identity, state: 'ended' })),
    },
    { name: 'serial', finds: true, ask: by((random) => ({ serial: namesOf(anybody(random)).serial })) },
    { name: 'serial before the newest', ask: by((random) => ({ serial: `6e${namesOf(living(random)).serial}` })) },
    { name: 'serial of nobody', ask: by((random) => ({ serial: `5d${anybody(random).toString(16)}` })) },
    { name: 'pod', finds: true, ask: by((random) => ({ podName: namesOf(anybody(random)).podName })) },
    { name: 'pod of nobody', ask: by((random) => ({ podName: `nobody-${anybody(random)}` })) },
    walk('live', { state: 'live' }),
    walk('renewing', { state: 'renewing' }),
    walk('overdue', { state: 'overdue' }),
    deep('overdue', 'overdue', { state: 'overdue' }, nowMs - 4 * HOUR_MS, 4 * HOUR_MS),
    { name: 'overdue in a namespace', ask: by((random) => ({ state: 'overdue', namespace: team(random) })) },
    { name: 'expires within', ask: by((random) => ({ endsBeforeMs: nowMs + whole(random, 24) * HOUR_MS })) },
    deep('expires within', 'end', { endsBeforeMs: nowMs + 24 * HOUR_MS }, nowMs, 24 * HOUR_MS),
    {
      name: 'expires within, in a namespace',
      ask: by((random) => ({ endsBeforeMs: nowMs + 12 * HOUR_MS, namespace: team(random) })),
    },
    walk('ended', { state: 'ended' }),
    deep('ended', 'ended', { state: 'ended' }, nowMs - MONTH_MS, MONTH_MS),
    { name: 'ended in a namespace', ask: by((random) => ({ state: 'ended', namespace: team(random) })) },
    { name: 'ended on a node', ask: by((random) => ({ state: 'ended', nodeName: namesOf(anybody(random)).nodeName })) },
    {
      name: 'namespace, node and state',
      ask: by((random) => ({ namespace: team(random), nodeName: namesOf(living(random)).nodeName, state: 'renewing' })),
    },
    walk('what nobody meets', { issuerName: 'none' }),
    {
      name: 'what nobody meets, from anywhere',
      ask: (random) => ({ conditions: { issuerName: 'none' }, after: behind('identity', random) }),
    },
    ofTeam('', {}),
    ofTeam(', overdue', { state: 'overdue' }),
    ofTeam(', ended', { state: 'ended' }),
    ofTeam(', expires within', { endsBeforeMs: nowMs + HOUR_MS }),
  ];
}
