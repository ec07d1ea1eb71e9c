// The console: pages for people, over HTTPS, and in dev mode over plain HTTP on loopback behind a link that works once. Of
// several processes the first worker serves it, and the supervisor answers what its pages ask.
import { readBuiltPages, type BuiltPages } from '../../../../adapters/http/console/built-pages.ts';
import { SessionCookie, type Scheme } from '../../../../adapters/http/console/console-environment.ts';
import { consoleRoutes } from '../../../../adapters/http/console/console-routes.ts';
import { LiveUpdates } from '../../../../adapters/http/console/live-updates.ts';
import { OneTimeLink } from '../../../../adapters/http/console/one-time-link.ts';
import { Sessions } from '../../../../adapters/http/console/sessions.ts';
import { OperatorRates } from '../../../../adapters/http/admin/operator-rates.ts';
import { HttpsListener } from '../../../../adapters/http/https-listener.ts';
import { HttpServer, type Answering } from '../../../../adapters/http/observation/server.ts';
import type { Config } from '../../../../config/schema.ts';
import type { Foundation } from '../../foundation.ts';
import type { Administration } from '../administration.ts';
import { followClientCa } from '../client-ca.ts';
import { answerOf } from '../operators.ts';
import { followShownCertificate } from './shown-certificate.ts';
import { composeSignIn } from './sign-in-ways.ts';

export interface Console {
  /** Where it needs the serving certificate before it starts. */
  readonly https: HttpsListener | undefined;
  /** For a browser, once it listens. */
  readonly url: () => string;
}

const NAME = 'the console address';
/** A browser opens up to six for each tab that looks, and holds one while it follows. */
const MAX_CONNECTIONS = 1_024;
/** Requests of one source that are about signing in, of which a person needs two: at once, and one more every two seconds. */
const SIGN_INS = { burst: 30, perSecond: 1 / 2 };
const [HOUR_MS, MINUTE_MS] = [3_600_000, 60_000];
const SESSION = { idleMs: 30 * MINUTE_MS, longestMs: 8 * HOUR_MS };

/** @returns nothing where no console is configured, or another process serves it. */
export function composeConsole(
  config: Config,
  foundation: Foundation,
  administration: Administration | undefined,
): Console | undefined {
  const { address, oneTimeLink, url: configured } = config.listen.console;
  const { clock, random, events, startUp, running: signal, untilFlushed, worker } = foundation;
  const answer = answerOf(administration, worker, signal);
  if (address === undefined || answer === undefined || (worker !== undefined && worker.slot !== 1)) return undefined;
  const scheme: Scheme = oneTimeLink ? 'http' : 'https';
  const cookie = new SessionCookie({ sessions: new Sessions({ clock, random }, SESSION), events }, scheme);
  const live = new LiveUpdates(clock);
  const link = new OneTimeLink(random);
  const rates = new OperatorRates(clock, SIGN_INS);
  let pages: BuiltPages = new Map();
  const parts = {
    pages: () => pages,
    cookie,
    live,
    ways: composeSignIn(config, foundation, { cookie, link }),
    answer,
    tooManySignIns: (source: string) => rates.overloaded(source),
    events,
  };
  const routes = consoleRoutes(parts, { scheme, hosts: hostsOf(config) });
  const settings = { ...address, name: NAME, reusePort: false };
  const https = oneTimeLink ? undefined : listenerOf(routes, config, foundation, settings);
  const listener = untilFlushed.use(https ?? new HttpServer({ routes }, settings));
  startUp.at('listen', async (options) => {
    pages = await readBuiltPages();
    await listener.start(options);
    void live.run({ signal });
  });
  const base = (): string => configured ?? `${scheme}://${listener.address()}`;
  return {
    https: config.listen.console.chainFile === undefined ? https : undefined,
    url: () => (oneTimeLink ? link.under(base()) : undefined) ?? `${base()}/`,
  };
}

function listenerOf(
  routes: Answering,
  { listen: { console, administration } }: Config,
  foundation: Foundation,
  settings: { readonly host: string; readonly port: number; readonly name: string; readonly reusePort: boolean },
): HttpsListener {
  const { clientCaFile: file } = administration;
  const { chainFile, keyFile } = console;
  const clients = file !== undefined && { clientCa: '', strangers: true };
  const listener = new HttpsListener(routes, { ...settings, maxConnections: MAX_CONNECTIONS, ...clients });
  // First: without it nothing is applied, and what is wrong with the certificate would be found too late.
  if (file !== undefined) followClientCa(listener, { file, part: 'console listener' }, foundation);
  if (chainFile !== undefined && keyFile !== undefined) {
    followShownCertificate(listener, { chainFile, keyFile }, foundation);
  }
  return listener;
}

/** By which a browser may call it: what its certificate says, and on loopback its address. */
function hostsOf({ listen, serving }: Config): ReadonlySet<string> {
  const { address, oneTimeLink, url } = listen.console;
  const own = oneTimeLink ? ['localhost', address?.host ?? ''] : [...serving.dnsNames, ...serving.ipAddresses];
  const named = url === undefined ? [] : [new URL(url).hostname.replace(/^\[|\]$/g, '')];
  return new Set([...own, ...named].map((name) => name.toLowerCase()));
}
