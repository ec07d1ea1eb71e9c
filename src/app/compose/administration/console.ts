// The console: pages for people, over HTTPS, and in dev mode over plain HTTP on loopback behind a link that works once. Of
// several processes the first worker serves it, and the supervisor answers what its pages ask.
import { readBuiltPages, type BuiltPages } from '../../../adapters/http/console/built-pages.ts';
import { SessionCookie, type Scheme } from '../../../adapters/http/console/console-environment.ts';
import { consoleRoutes } from '../../../adapters/http/console/console-routes.ts';
import { LiveUpdates } from '../../../adapters/http/console/live-updates.ts';
import { OneTimeLink } from '../../../adapters/http/console/one-time-link.ts';
import { Sessions } from '../../../adapters/http/console/sessions.ts';
import { signInByLink } from '../../../adapters/http/console/sign-in-by-link.ts';
import { OperatorRates } from '../../../adapters/http/admin/operator-rates.ts';
import { HttpsListener } from '../../../adapters/http/https-listener.ts';
import { HttpServer } from '../../../adapters/http/observation/server.ts';
import type { Config } from '../../../config/schema.ts';
import type { Foundation } from '../foundation.ts';
import type { Administration } from './administration.ts';
import { answerOf } from './operators.ts';

export interface Console {
  /** It needs a serving certificate before it starts; absent without TLS. */
  readonly https: HttpsListener | undefined;
  /** For a browser, once it listens. */
  readonly url: () => string;
}

const NAME = 'the console address';
/** Attempts of one source to sign in: at once, and one more every six seconds. */
const SIGN_INS = { burst: 10, perSecond: 1 / 6 };
const [HOUR_MS, MINUTE_MS] = [3_600_000, 60_000];
const SESSION = { idleMs: 30 * MINUTE_MS, longestMs: 8 * HOUR_MS };

/** @returns nothing where no console is configured, or another process serves it. */
export function composeConsole(
  config: Config,
  foundation: Foundation,
  administration: Administration | undefined,
): Console | undefined {
  const { address, oneTimeLink } = config.listen.console;
  const { clock, random, events, startUp, running: signal, untilFlushed, worker } = foundation;
  const answer = answerOf(administration, worker, signal);
  if (address === undefined || answer === undefined || (worker !== undefined && worker.slot !== 1)) return undefined;
  const scheme: Scheme = oneTimeLink ? 'http' : 'https';
  const cookie = new SessionCookie(new Sessions({ clock, random }, SESSION), scheme);
  const live = new LiveUpdates(clock);
  const link = new OneTimeLink(random);
  const rates = new OperatorRates(clock, SIGN_INS);
  let pages: BuiltPages = new Map();
  const routes = consoleRoutes(
    {
      pages: () => pages,
      cookie,
      live,
      ways: oneTimeLink ? [signInByLink(link, cookie)] : [],
      answer,
      tooManySignIns: (source) => rates.overloaded(source),
      events,
    },
    { scheme, hosts: hostsOf(config) },
  );
  const settings = { ...address, name: NAME, reusePort: false };
  const listener = untilFlushed.use(
    oneTimeLink ? new HttpServer({ routes }, settings) : new HttpsListener(routes, settings),
  );
  startUp.at('listen', async (options) => {
    pages = await readBuiltPages();
    await listener.start(options);
    void live.run({ signal });
  });
  return {
    https: listener instanceof HttpsListener ? listener : undefined,
    url: () => {
      const base = `${scheme}://${listener.address()}`;
      return (oneTimeLink ? link.under(base) : undefined) ?? `${base}/`;
    },
  };
}

/** By which a browser may call it: what its certificate says, and on loopback its address. */
function hostsOf({ listen, serving }: Config): ReadonlySet<string> {
  const { address, oneTimeLink } = listen.console;
  const own = oneTimeLink ? ['localhost', address?.host ?? ''] : [...serving.dnsNames, ...serving.ipAddresses];
  return new Set(own.map((name) => name.toLowerCase()));
}
