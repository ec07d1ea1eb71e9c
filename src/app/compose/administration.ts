// What probes and scrapers read over HTTP, and what an operator on this machine asks over the Unix socket.
import { administerPolicyTime } from '../../adapters/http/admin/administer-policy-time.ts';
import { administerSds } from '../../adapters/http/admin/administer-sds.ts';
import { AdministrationSocket } from '../../adapters/http/admin/administration-socket.ts';
import { administrationRoutes } from '../../adapters/http/admin/administration.ts';
import { observationRoutes } from '../../adapters/http/observation/routes.ts';
import { HttpServer } from '../../adapters/http/observation/server.ts';
import { administrationSocketOf } from '../../config/administration-socket.ts';
import type { Config } from '../../config/schema.ts';
import { degradedBy } from '../../ports/platform/health.ts';
import { policyInForce } from '../policy-in-force.ts';
import type { Foundation } from './foundation.ts';
import { recordSetBack } from './policy/policy-bundle.ts';
import type { Policy } from './policy/policy.ts';
import type { Services } from './services.ts';
import type { Storage } from './storage.ts';

export interface Administration {
  readonly http: HttpServer;
}

interface Former {
  readonly storage: Storage;
  readonly policy: Policy;
  readonly services: Services;
}

export function composeAdministration(config: Config, foundation: Foundation, former: Former): Administration {
  const { health, startUp, running, untilFlushed } = foundation;
  const http = untilFlushed.use(composeObservation(config, foundation, former));
  const socket = untilFlushed.use(composeSocket(config, foundation, former));
  startUp.at('observe', async (options) => http.start(options));
  startUp.at('administer', async () => {
    await socket.open();
    void socket.keep({ signal: running });
  });
  health.report('administration', () => degradedBy(socket.problem));
  return { http };
}

function composeObservation({ listen }: Config, foundation: Foundation, { policy }: Former): HttpServer {
  const { health, telemetry, events } = foundation;
  const routes = observationRoutes({
    health,
    policy: () => policyInForce(policy.policies),
    collect: telemetry.collect,
    events,
  });
  return new HttpServer({ routes }, listen.http.address);
}

function composeSocket(
  config: Config,
  { clock, events, running: signal }: Foundation,
  former: Former,
): AdministrationSocket {
  const { bundles } = former.policy;
  const parts = [
    administerSds({ status: () => former.services.sds.status() }),
    administerPolicyTime({
      read: () => ({ timeMs: bundles.timeMs(), clockMs: clock.nowMs() }),
      setBack: async (expectedMs) => bundles.setTimeBack(expectedMs, recordSetBack(former.storage.journal), { signal }),
    }),
  ];
  const routes = administrationRoutes(parts, { events });
  return new AdministrationSocket({ routes, clock }, { path: administrationSocketOf(config) });
}
