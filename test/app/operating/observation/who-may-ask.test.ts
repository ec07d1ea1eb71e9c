// The table of docs/security.md, "Who may ask what", held to what there is: every listener that the configuration can open, every
// route of each of them, and what a stranger is answered there.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Hono } from 'hono';
import { admissionRoutes } from '../../../../src/adapters/http/admission/admission-routes.ts';
import { administrationRoutes, type AdministrationPart } from '../../../../src/adapters/http/admin/administration.ts';
import { consoleRoutes } from '../../../../src/adapters/http/console/console-routes.ts';
import { signInByOidc } from '../../../../src/adapters/http/console/oidc/sign-in-by-oidc.ts';
import { signInByCertificate } from '../../../../src/adapters/http/console/sign-in-by-certificate.ts';
import { signInByLink } from '../../../../src/adapters/http/console/sign-in-by-link.ts';
import { loopbackReaders } from '../../../../src/adapters/http/observation/loopback-readers.ts';
import { metricsRoutes } from '../../../../src/adapters/http/observation/metrics-listener.ts';
import { observationRoutes } from '../../../../src/adapters/http/observation/routes.ts';
import { bundleRoutes } from '../../../../src/adapters/http/publication/bundle-routes.ts';
import { crlRoutes } from '../../../../src/adapters/http/publication/crl-routes.ts';
import { keysOf } from '../../../../src/config/key.ts';
import { schema } from '../../../../src/config/schema.ts';
import { IstioCertificateService } from '../../../../src/gen/istio/v1/auth/certificate_service_pb.js';
import { SecretDiscoveryService } from '../../../../src/gen/envoy/service/secret/v3/sds_pb.js';
import { FakeHealth } from '../../../support/fakes/fake-health.ts';
import { recordEvents } from '../../../support/fakes/recorded-events.ts';

interface Row {
  readonly listener: string;
  /** In backticks: a path, its beginning before `…`, or a service. */
  readonly asked: readonly string[];
  readonly who: string;
}

interface Route {
  readonly method: string;
  readonly path: string;
}

const ROOT = path.resolve(import.meta.dirname, '../../../..');
const ADMIN = path.join(ROOT, 'src/adapters/http/admin');
/** A connection from elsewhere that shows nothing. */
const STRANGER = {
  incoming: { socket: { remoteAddress: '192.0.2.7', localAddress: '192.0.2.1', remotePort: 40_000 }, headers: {} },
};

const rows: readonly Row[] = (() => {
  const [, table = ''] = readFileSync(path.join(ROOT, 'docs/security.md'), 'utf8').split('<!-- listeners -->');
  const lines = table
    .split('\n\n')[0]!
    .split('\n')
    .filter((line) => line.startsWith('| `'));
  return lines.map((line) => {
    const [, listener = '', asked = '', who = ''] = line.split('|').map((cell) => cell.trim());
    return { listener: inBackticks(listener)[0]!, asked: inBackticks(asked), who };
  });
})();

function inBackticks(text: string): readonly string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, name]) => name!);
}

/** Middleware aside. */
function routesOf(app: Hono): readonly Route[] {
  return app.routes.filter(({ method }) => method !== 'ALL').map(({ method, path: at }) => ({ method, path: at }));
}

const never = (): never => assert.fail('a stranger came through');
const nothing = new Proxy({}, { get: () => never }) as never;
const events = recordEvents();

const observation = observationRoutes({
  health: () => new FakeHealth({ part: 'issuer', state: 'not ready', why: 'its key is away' }).parts(),
  policy: never,
  collect: never,
  readers: loopbackReaders(events),
  events,
});
const metrics = metricsRoutes({
  tokens: { isShownIn: () => false },
  isReader: () => false,
  answer: async ({ mayRead }) => ({ status: mayRead ? never() : 200, headers: {}, body: '{}' }),
  events,
});
const cookie = { sessionOf: () => undefined, notSignedIn: () => undefined, signOut: () => undefined } as never;
const consolePages = consoleRoutes(
  {
    pages: () => new Map(),
    cookie,
    live: nothing,
    ways: [signInByCertificate(nothing, cookie), signInByLink(nothing, cookie), signInByOidc(nothing)],
    answer: never,
    tooManySignIns: () => false,
    events,
  },
  { scheme: 'https', hosts: new Set(['localhost']) },
);

const APPS: Readonly<Record<string, readonly Route[]>> = {
  'listen.http': routesOf(observation),
  'listen.metrics': routesOf(observation),
  'listen.console': routesOf(consolePages),
  'trustAnchors.endpoint': routesOf(bundleRoutes(nothing)),
  crl: routesOf(crlRoutes(nothing)),
  'cluster.kubernetes.admission': routesOf(admissionRoutes(nothing)),
};

function covers(pattern: string, at: string): boolean {
  return pattern.endsWith('…') ? at.startsWith(pattern.slice(0, -1)) : pattern === at;
}

function rowsFor(listener: string): readonly Row[] {
  return rows.filter((row) => row.listener === listener);
}

describe('Who may ask what', () => {
  it('is said of every listener that the configuration can open, and of no other', () => {
    const opening = [...keysOf(schema).keys()].filter((key) => /\.(address|socket|sockets)$/.test(key));
    const said = [...new Set(rows.map(({ listener }) => listener))];
    const isOf = (key: string) => (listener: string) => key === listener || key === `${listener}.address`;
    for (const key of opening) assert.ok(said.some(isOf(key)), `${key} is in no row`);
    for (const listener of said)
      assert.ok(
        opening.some((key) => isOf(key)(listener)),
        `${listener} is no listener`,
      );
  });

  for (const [listener, routes] of Object.entries(APPS)) {
    it(`is said of every route of ${listener}, and of no other`, () => {
      const asked = rowsFor(listener).flatMap((row) => row.asked);
      // The pages of the console are files of the program.
      const own = routes.filter(({ path: at }) => at !== '/*');
      for (const { path: at } of own)
        assert.ok(
          asked.some((one) => covers(one, at)),
          `${at} is in no row`,
        );
      for (const one of asked)
        assert.ok(
          own.some(({ path: at }) => covers(one, at)),
          `${one} is no route`,
        );
    });
  }

  it('is said of every service of gRPC, and of no other', () => {
    const services = [IstioCertificateService, SecretDiscoveryService].map(({ typeName }) => typeName);
    const named = new Set(
      rows.flatMap(({ asked }) => asked).filter((one) => !one.startsWith('/') && one !== 'tokenFile'),
    );
    assert.deepEqual([...named].toSorted(), services.toSorted());
    const added = readdirSync(path.join(ROOT, 'src/adapters/grpc'), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .flatMap((file) => [
        ...readFileSync(path.join(ROOT, 'src/adapters/grpc', file), 'utf8').matchAll(
          /addService\(serviceDefinition\((\w+)/g,
        ),
      ]);
    assert.deepEqual(added.map(([, name]) => name).toSorted(), ['IstioCertificateService', 'SecretDiscoveryService']);
  });

  for (const [listener, app] of [
    ['listen.http', observation],
    ['listen.metrics', metrics],
  ] as const) {
    it(`holds for a stranger at each page of ${listener}`, async () => {
      for (const { asked, who } of rowsFor(listener)) {
        const refusal = /anybody else gets (\d+)/.exec(who)?.[1];
        for (const page of asked) {
          for (const method of ['GET', 'HEAD', 'POST']) {
            const { status } = await app.request(page, { method }, STRANGER);
            if (refusal === undefined) assert.ok(![401, 403].includes(status), `${page} ${status}`);
            else assert.equal(String(status), refusal, `${method} ${page}`);
          }
        }
      }
      assert.doesNotMatch(await (await app.request('/readyz', {}, STRANGER)).text(), /key is away/);
    });
  }

  it('holds for who did not sign in to the console', async () => {
    for (const at of ['/api/session', '/api/live', '/api/inventory', '/api/anything']) {
      const headers = { host: 'localhost' };
      const { status } = await consolePages.request(`https://localhost${at}`, { headers }, STRANGER);
      assert.equal(status, 401, at);
    }
  });

  it('holds for who has no role at each page of the administration', async () => {
    const parts = await Promise.all(administrators().map(async (file) => partOf(file)));
    const routes = administrationRoutes(parts, { events, operatorOf: () => ({ actor: 'CN:mallory', role: 'none' }) });
    const all = routes.routes.filter(({ method, path: at }) => ['GET', 'POST'].includes(method) && at !== '/*');
    assert.ok(all.length >= 25, `${all.length} routes`);
    for (const { method, path: at } of [...all, { method: 'GET', path: '/nowhere' }]) {
      const response = await routes.request(at, { method, ...(method === 'POST' && { body: '{}' }) });
      assert.equal(response.status, 403, `${method} ${at}`);
      assert.match(await response.text(), /CAP-O01|role/);
    }
  });
});

function administrators(): readonly string[] {
  return readdirSync(ADMIN, { recursive: true, encoding: 'utf8' }).filter((file) =>
    /(^|\/)administer-.*\.ts$/.test(file),
  );
}

/** What a file adds, whatever it is called. */
async function partOf(file: string): Promise<AdministrationPart> {
  const exported = (await import(path.join(ADMIN, file))) as Readonly<Record<string, unknown>>;
  const [, make] = Object.entries(exported).find(([name]) => /^administer[A-Z]/.test(name)) ?? [];
  assert.ok(typeof make === 'function', file);
  return (make as (...parts: readonly unknown[]) => AdministrationPart)(nothing, () => 0);
}
