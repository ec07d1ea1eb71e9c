// The gate of a rotation: what stands against its next step, and when that is over. A step that somebody takes all the same cuts
// off the workloads that are named here.
import { formatQuantity } from '../../text/format-count.ts';
import { formatTime } from '../../text/format-time.ts';
import { describe } from './dependants.ts';
import type { Lag, RotationProgress } from './progress.ts';
import { placesHolding, placesInWords, placesLacking, type PublishedPlace } from './published-place.ts';
import { nameOf, phaseSinceMs, shasOf, type AnchorRotation, type RotationPhase } from './rotation.ts';

/** A certificate of the CA's own: peers verify it too. */
export interface OwnCertificate {
  /** In words, such as `the serving certificate`. */
  readonly name: string;
  /** Why it cannot be looked at now. */
  readonly problem?: string;
  /** Hex SHA-256; absent where it is not known. */
  readonly trustAnchor?: string;
  /** Absent where it is not known. */
  readonly notAfterMs?: number;
}

/** An issuer, with what it would sign with after the next step. */
export interface StandingIssuer {
  readonly name: string;
  /** Hex SHA-256 of all that the certificate in force leads to; none where there is none. */
  readonly anchors: readonly string[];
  /** Of one that waits for adopt. */
  readonly prepared?: { readonly id: string; readonly anchors: readonly string[] };
  /** Whether one can wait beside it: in a folder. What is in plain files is changed by hand, in adopt. */
  readonly holdsBack: boolean;
  /** Why what it signs with below the new anchor cannot carry the bridge that there is. */
  readonly unbridged?: string;
}

/** What is known beside the workloads. */
export interface Surroundings {
  /** Where anchors are published; absent while that cannot be known. */
  readonly places?: readonly PublishedPlace[];
  readonly issuers: readonly StandingIssuer[];
  readonly own: readonly OwnCertificate[];
}

export interface Obstacle {
  /** In words. */
  readonly text: string;
  /** What to do about it, where anything is to be done. */
  readonly advice?: string;
}

/** @returns what stands against leaving the phase: against adopt in publish, against retire in adopt, against done in retire. */
export function obstaclesTo(
  rotation: AnchorRotation,
  progress: RotationProgress,
  surroundings: Surroundings,
): readonly Obstacle[] {
  switch (rotation.phase) {
    case 'publish':
      return [
        ...lagging(progress.unaware, 'not known to have the new trust anchor'),
        ...unpublished(rotation, surroundings),
        ...unprepared(rotation, surroundings),
        ...unbridged(surroundings),
      ];
    case 'adopt':
      return [
        ...unpublished(rotation, surroundings),
        ...stillOld(rotation, surroundings),
        ...lagging(progress.dependent, 'below the old trust anchor'),
        // Both would know no anchor at all of those that are presented. The first were bridged until the bridge ended or was
        // taken back, or somebody advanced in spite of them.
        ...lagging(progress.unaware, 'not known to have the new trust anchor'),
        ...lagging(progress.bridged, 'bridged, and not known to have the new trust anchor'),
        ...ownBelow(rotation, surroundings),
      ];
    case 'retire':
      return [
        ...lagging(progress.holding, 'known to have the old trust anchor still'),
        ...stillPublished(rotation, surroundings),
      ];
    case 'done':
    case 'aborted':
      return [];
  }
}

/** @returns some live workloads as one obstacle, the first of them by name. */
export function lagging({ count, first, untilMs }: Lag, what: string): readonly Obstacle[] {
  if (count === 0) return [];
  const named = first.slice(0, NAMED).map(describe).join('; ');
  const more = count > NAMED ? `; and ${formatQuantity(count - NAMED, 'other')}` : '';
  const end = untilMs === undefined ? '' : `; by ${formatTime(untilMs)} the last has renewed, or ended`;
  return [
    { text: `${formatQuantity(count, 'live workload')} ${count === 1 ? 'is' : 'are'} ${what}: ${named}${more}${end}` },
  ];
}

/** In an error, which goes through a terminal and the journal. */
const NAMED = 3;

/** Who starts knows its peers by what is published: also in adopt, and in a place that somebody wrote over meanwhile. */
function unpublished({ added }: AnchorRotation, { places }: Surroundings): readonly Obstacle[] {
  if (places === undefined) return [{ text: 'it is not known where the new trust anchor is published' }];
  const behind = placesLacking(places, shasOf(added));
  return behind.length === 0 ? [] : [{ text: `the new trust anchor is missing in ${placesInWords(behind)}` }];
}

function stillPublished({ old }: AnchorRotation, { places }: Surroundings): readonly Obstacle[] {
  if (places === undefined) return [{ text: 'it is not known where the old trust anchor is published still' }];
  const behind = placesHolding(places, shasOf(old));
  return behind.length === 0 ? [] : [{ text: `the old trust anchor is still in ${placesInWords(behind)}` }];
}

function unprepared(rotation: AnchorRotation, { issuers }: Surroundings): readonly Obstacle[] {
  const added = shasOf(rotation.added);
  const leads = (anchors: readonly string[] = []): boolean => anchors.some((anchor) => added.includes(anchor));
  return issuers
    .filter(({ anchors, prepared, holdsBack }) => holdsBack && !leads(anchors) && !leads(prepared?.anchors))
    .map(({ name }) => ({
      text: `issuer ${name} has no certificate below the new trust anchor`,
      advice: `capstan issuer csr ${name} --config FILE, have it signed below ${rotation.added.map(nameOf).join(' or ')}, capstan issuer import ${name} --config FILE --chain FILE: it waits for adopt`,
    }));
}

/** Whoever counts on the bridge would find another than the one that was judged. */
function unbridged({ issuers }: Surroundings): readonly Obstacle[] {
  return issuers.flatMap(({ name, unbridged: why }) =>
    why === undefined ? [] : [{ text: `the chain of issuer ${name} cannot carry the bridge: ${why}` }],
  );
}

function stillOld(rotation: AnchorRotation, { issuers }: Surroundings): readonly Obstacle[] {
  const added = shasOf(rotation.added);
  return issuers
    .filter(({ anchors }) => anchors.length > 0 && !anchors.some((anchor) => added.includes(anchor)))
    .map(({ name, holdsBack }) => ({
      text: `issuer ${name} signs below the old trust anchor`,
      advice: holdsBack
        ? 'import its certificate below the new one'
        : 'put its chain and key below the new one into its files',
    }));
}

function ownBelow(rotation: AnchorRotation, { own }: Surroundings): readonly Obstacle[] {
  const old = shasOf(rotation.old);
  return own
    .filter(({ trustAnchor }) => trustAnchor === undefined || old.includes(trustAnchor))
    .map(({ name, problem, notAfterMs }) => {
      if (problem !== undefined) return { text: `it is not known what ${name} hangs on: ${problem}` };
      const until = notAfterMs === undefined ? '' : `, until ${formatTime(notAfterMs)} at the latest`;
      return { text: `${name} hangs on the old trust anchor${until}: it renews when no workload does any more` };
    });
}

/** When a phase may end: as planned where all renew in time, and at the latest whatever they do. In ms since the epoch. */
export interface PhasePlan {
  readonly phase: Extract<RotationPhase, 'publish' | 'adopt' | 'retire'>;
  readonly earliestMs: number;
  readonly latestMs: number;
}

/**
 * The rest of a rotation, timed: workloads learn of an anchor at once over SDS and with their next certificate over the CSR API,
 * and have one below it after another half life, or within `spreadMs` over SDS.
 */
export function planOf(
  rotation: AnchorRotation,
  progress: RotationProgress,
  { nowMs, spreadMs }: { readonly nowMs: number; readonly spreadMs: number },
): readonly PhasePlan[] {
  const { unaware, dependent, holding, longestLifeMs } = progress;
  const afterMs = (lag: Lag): [number, number] => [
    // What is overdue may be gone: it counts until it ends.
    Math.max(nowMs, lag.dueMs === undefined || lag.dueMs > nowMs ? (lag.dueMs ?? nowMs) : (lag.untilMs ?? nowMs)),
    Math.max(nowMs, lag.untilMs ?? nowMs),
  ];
  const halfMs = Math.max(spreadMs, longestLifeMs / 2);
  const plans: PhasePlan[] = [];
  let [earliestMs, latestMs] = [nowMs, nowMs];
  if (rotation.phase === 'publish') {
    [earliestMs, latestMs] = afterMs(unaware);
    plans.push({ phase: 'publish', earliestMs, latestMs });
  }
  if (rotation.phase === 'publish' || rotation.phase === 'adopt') {
    const begunMs = rotation.phase === 'adopt' ? phaseSinceMs(rotation) : earliestMs;
    const own = rotation.phase === 'adopt' ? afterMs(dependent) : [begunMs + halfMs, latestMs + longestLifeMs];
    [earliestMs, latestMs] = [own[0] ?? begunMs, own[1] ?? begunMs];
    plans.push({ phase: 'adopt', earliestMs, latestMs });
  }
  if (rotation.phase !== 'done' && rotation.phase !== 'aborted') {
    [earliestMs, latestMs] =
      rotation.phase === 'retire' ? afterMs(holding) : [earliestMs + halfMs, latestMs + longestLifeMs];
    plans.push({ phase: 'retire', earliestMs, latestMs });
  }
  return plans;
}
