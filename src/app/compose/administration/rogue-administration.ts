// The server's own look for rogue CAs, and what operators are shown of it. Every server looks, so that whichever is asked can answer:
// of several processes the first worker.
import type { RogueParts } from '../../../adapters/http/admin/records/administer-rogues.ts';
import { RogueWatch } from '../../../authority/estate/rogue-watch.ts';
import type { Config } from '../../../config/schema.ts';
import { certifiedIssuersOf } from '../../../ports/issuing/issuers.ts';
import type { AskedLook } from '../../estate/estate-look.ts';
import { lookInThread } from '../../estate/look-in-thread.ts';
import type { Foundation } from '../foundation.ts';
import type { Trust } from '../trust/trust.ts';

export function composeRogueAdministration(
  config: Config,
  { clock, events, health, startUp, telemetry, running: signal, worker }: Foundation,
  { trust }: { readonly trust: Pick<Trust, 'issuers'> },
): RogueParts {
  const { cluster, paths, interval: everyMs } = config.rogue;
  const isFirst = worker === undefined || worker.slot === 1;
  if ((cluster === 'none' && paths.length === 0) || !isFirst) {
    return { found: async () => ({ configured: false, nowMs: clock.nowMs() }) };
  }
  const look = async (options: { readonly signal: AbortSignal }) =>
    lookInThread(askedBy(config, trust, clock.nowMs()), options);
  const watch = new RogueWatch({ look, clock, events }, { everyMs });
  telemetry.observeRogues({
    get counts() {
      return watch.counts;
    },
    get ageMs() {
      const { looked, nowMs } = watch.status();
      return looked && Math.max(0, nowMs - looked.endedMs);
    },
  });
  health.report('rogue CAs', () => watch.health);
  startUp.at('listen', () => {
    void watch.run({ signal }).catch((cause: unknown) => events.unexpected({ where: 'look for rogue CAs', cause }));
  });
  return { found: async () => ({ configured: true, ...watch.status() }) };
}

/** The anchors that were given, and what signs below them: what it signed leads to them also where its own certificate is not found. */
function askedBy(
  { rogue: { cluster, paths, knownFile }, cluster: { kubernetes } }: Config,
  { issuers }: Pick<Trust, 'issuers'>,
  nowMs: number,
): AskedLook {
  const { anchors, undistributed, federated } = issuers.trustAnchors.current();
  const given = [...anchors, ...undistributed.map(({ anchor }) => anchor)].map(({ pem }) => pem);
  const { from, kubeconfig, context } = kubernetes;
  return {
    corporate: [...given, ...certifiedIssuersOf(issuers).flatMap(({ chainPems }) => chainPems)].join(''),
    federated: federated.map(({ pem }) => pem).join(''),
    ...(knownFile !== undefined && { knownFile }),
    paths,
    ...(cluster !== 'none' && {
      cluster: {
        secrets: cluster === 'all',
        ...(from === 'kubeconfig' && kubeconfig !== undefined && { kubeconfig }),
        ...(from === 'kubeconfig' && context !== undefined && { context }),
      },
    }),
    nowMs,
  };
}
