// Scenarios 4 and 5: what is above the leaves changes, first the intermediate under the same root, then
// the root itself, and no call fails if the steps are taken in order.
import assert from 'node:assert/strict';
import {
  addPeerCluster,
  addRoute,
  type ApiType,
  FRESH_CONNECTIONS,
  leadingTo,
  lengthenTimeouts,
} from '../support/bootstrap.ts';
import { Capstan } from '../../support/capstan.ts';
import { Envoy } from '../support/envoy.ts';
import { CURRENT_ENVOY, envoyBinary } from '../support/envoy-package.ts';
import { eventually, freePort } from '../../../support/eventually.ts';
import { Load, type Tally } from '../../support/load.ts';
import { tiersAt, type Tier } from '../../../support/paths/tiers.ts';
import { assertInIssueOrder, eventuallySees, MeshLoad, startMesh } from '../support/mesh.ts';
import { createRoot, issueIntermediate, type TestAuthority } from '../../support/pki.ts';
import { peerOrSkip } from '../../support/presence.ts';
import { SHOP } from '../support/shop-proxy.ts';
import { visit } from '../../support/tls-visit.ts';

/** A new issuer is taken up within this time: the file watch, the spread of renewals, the push. */
const ROLLOVER_MS = 60_000;
const API_TYPES: readonly ApiType[] = ['GRPC', 'DELTA_GRPC'];
/** Renewals after a change of issuer are spread over a second here. */
const SETTINGS = { sockets: [SHOP], sds: { rotationSpread: '1s' } } as const;

describe('Rotation of the authority', function () {
  this.timeout(300_000);
  before(function () {
    peerOrSkip(this, envoyBinary(CURRENT_ENVOY), `envoy ${CURRENT_ENVOY}`);
  });

  for (const apiType of API_TYPES) {
    it(`moves to a new intermediate under the same root without a bundle push or a failed call, over ${apiType}`, async () => {
      await using stack = new AsyncDisposableStack();
      const capstan = stack.use(await Capstan.start(SETTINGS));
      const mesh = await startMesh(stack, capstan, apiType);
      const load = stack.use(new MeshLoad(mesh.envoy, 0.25));
      const mark = await capstan.logMark();
      // 1. The corporate root signs another intermediate, and the operator puts it in place.
      await capstan.rotateIssuer('Mesh Issuer 2');
      // 2. Fresh handshakes show the new intermediate in the chain, under the old root.
      const isNew = ({ issuers }: { issuers: readonly string[] }): boolean => issuers[0] === 'Mesh Issuer 2';
      const sight = await eventuallySees(mesh, 'the new intermediate', isNew, { withinMs: ROLLOVER_MS });
      assert.deepEqual(sight.issuers, ['Mesh Issuer 2', 'Corporate Root']);
      // 3. No bundle was pushed, because none changed.
      const names = (await capstan.allEvents('secretPushed', mark)).flatMap((line) => line['names']);
      assert.deepEqual(names, ['default']);
      assert.equal(await mesh.envoy.sds('ROOTCA', 'update_success'), 1);
      // 4. Nothing failed.
      await load.assertFlawless();
      assertInIssueOrder(mesh.upstream.clientSerials, capstan);
    });
  }

  it('moves to a new root in phases with two proxies one phase apart, without a failed call', async () => {
    await using stack = new AsyncDisposableStack();
    const pair = await Pair.open(stack);
    const oldVisitor = await pair.left.capstan.visitor();
    const next = await createRoot('Next Root');
    const nextIssuer = await issueIntermediate(next, 'Next Issuer');
    const both = pair.old.certificatePem + next.certificatePem;
    const load = pair.load(stack);
    for (const { capstan, envoy } of [pair.left, pair.right]) {
      // 1. Anchors: old and new, on one side first; the sides then differ by a phase until the other follows.
      await begin(capstan, next.certificatePem);
      capstan.replaceAnchors(both);
      await eventually('the union of anchors', async () => (await envoy.sds('ROOTCA', 'update_success')) >= 2, {
        withinMs: ROLLOVER_MS,
      });
    }
    for (const { capstan, envoy } of [pair.left, pair.right]) {
      // 2. Leaves from the new root.
      await act(capstan, 'advance', '--override');
      capstan.useIssuer(nextIssuer);
      await eventually('a leaf of the new root', async () => (await envoy.sds('default', 'update_success')) >= 2, {
        withinMs: ROLLOVER_MS,
      });
    }
    for (const { capstan, envoy } of [pair.left, pair.right]) {
      // 3. The old root goes.
      await act(capstan, 'retire', '--override');
      capstan.replaceAnchors(next.certificatePem);
      await eventually('the new anchor alone', async () => (await envoy.sds('ROOTCA', 'update_success')) >= 3, {
        withinMs: ROLLOVER_MS,
      });
    }
    // 4. Not one of a hundred calls and more failed in either direction.
    await eventually('a hundred calls each way', () => load.tallies().every(({ attempts }) => attempts > 100), {
      withinMs: ROLLOVER_MS,
    });
    for (const { failures, descriptions } of await load.stop()) assert.equal(failures, 0, descriptions.join('\n'));
    // 5. A leaf under the old root is refused now, and counted.
    await assert.rejects(visit(pair.left.envoy.mtlsPort, { ...oldVisitor, anchorsPem: next.certificatePem }));
    assert.equal(await pair.left.envoy.sum(/^listener\..*fail_verify_error$/), 1);
  });

  it('moves to a new root above the same issuer, whose upper CA it signs anew, without a failed call', async () => {
    await using stack = new AsyncDisposableStack();
    const pair = await Pair.open(stack);
    const tier = tiersAt(Date.now());
    const next = await tier('Next Root');
    const upper = await tier('Upper', { by: pair.old });
    const anew = await tier('Upper', { by: next, keys: upper.keys });
    const own = await tier('Issuer', { by: upper });
    const through = (above: Tier): TestAuthority => ({
      ...own,
      certificatePem: own.pem,
      chainPem: own.pem + above.pem,
    });
    const load = pair.load(stack);
    const phase = async (
      change: (capstan: Capstan) => void | Promise<void>,
      secret: string,
      pushes: number,
    ): Promise<void> => {
      for (const { capstan, envoy } of [pair.left, pair.right]) {
        await change(capstan);
        await eventually(`${secret} once more`, async () => (await envoy.sds(secret, 'update_success')) >= pushes, {
          withinMs: ROLLOVER_MS,
        });
      }
    };
    await phase((capstan) => capstan.useIssuer(through(upper)), 'default', 2);
    // 1. Anchors: old and new. 2. The other way up, from the same issuer. 3. The old root goes.
    const both = async (capstan: Capstan): Promise<void> => {
      await begin(capstan, next.pem);
      capstan.replaceAnchors(pair.old.certificatePem + next.pem);
    };
    const anewBelow = async (capstan: Capstan): Promise<void> => {
      await act(capstan, 'advance', '--override');
      capstan.useIssuer(through(anew));
    };
    await phase(both, 'ROOTCA', 2);
    await phase(anewBelow, 'default', 3);
    await phase(async (capstan) => act(capstan, 'retire', '--override'), 'ROOTCA', 3);
    const [from] = load.tallies().map(({ attempts }) => attempts);
    await eventually('more calls each way', () => load.tallies().every(({ attempts }) => attempts > from! + 50), {
      withinMs: ROLLOVER_MS,
    });
    for (const { failures, descriptions } of await load.stop()) assert.equal(failures, 0, descriptions.join('\n'));
  });

  it('fails calls when the phase of both roots is skipped', async () => {
    await using stack = new AsyncDisposableStack();
    const pair = await Pair.open(stack);
    const next = await createRoot('Next Root');
    // 1. One side goes straight to the new root, leaves and anchors at once.
    pair.left.capstan.useIssuer(await issueIntermediate(next, 'Next Issuer'));
    pair.left.capstan.replaceAnchors(next.certificatePem);
    // 2. Neither side can call the other any more, which is why there are phases.
    const statuses = async (): Promise<readonly number[]> => [
      await pair.left.envoy.call('/other'),
      await pair.right.envoy.call('/other'),
    ];
    await eventually('both directions broken', async () => (await statuses()).every((status) => status === 503), {
      withinMs: ROLLOVER_MS,
    });
  });
});

/** A workload without a pod has perhaps more holders than its proxy, so that nobody but an operator can say that all follow. */
async function act(capstan: Capstan, ...argv: readonly string[]): Promise<void> {
  const { code, error } = await capstan.command('anchor', ...argv, '--reason', 'a drill');
  assert.equal(code, 0, error);
}

async function begin(capstan: Capstan, pem: string): Promise<void> {
  await act(capstan, 'start', '--new', capstan.write('new-root.pem', pem));
}

interface Side {
  readonly capstan: Capstan;
  readonly envoy: Envoy;
}

/** Two proxies that call each other, each with a Capstan of its own under one corporate root. */
class Pair {
  readonly old: TestAuthority;
  readonly left: Side;
  readonly right: Side;

  private constructor(old: TestAuthority, left: Side, right: Side) {
    this.old = old;
    this.left = left;
    this.right = right;
  }

  static async open(stack: AsyncDisposableStack): Promise<Pair> {
    const root = await createRoot('Corporate Root');
    const [leftPort, rightPort] = [await freePort(), await freePort()];
    const side = async (mtlsPort: number, otherPort: number): Promise<Side> => {
      const capstan = stack.use(await Capstan.start({ ...SETTINGS, root }));
      const amend = (document: Parameters<typeof addRoute>[0]): void => {
        lengthenTimeouts(document);
        addPeerCluster(document, 'other', { ...FRESH_CONNECTIONS, ...leadingTo('other', otherPort) });
        addRoute(document, '/other', 'other');
      };
      const values = { SDS_SOCKET: capstan.socket(SHOP) };
      const envoy = stack.use(await Envoy.start({ mtlsPort, amend, values }));
      return { capstan, envoy: await envoy.live() };
    };
    return new Pair(root, await side(leftPort, rightPort), await side(rightPort, leftPort));
  }

  /** Calls in both directions, each over a connection of its own. */
  load(stack: AsyncDisposableStack): { tallies: () => readonly Tally[]; stop: () => Promise<readonly Tally[]> } {
    const loads = [this.left, this.right].map(({ envoy }) =>
      stack.use(
        new Load({ port: envoy.plainPort, path: '/other', requestsPerSecond: 50, manners: ['h1-kept', 'h2-kept'] }),
      ),
    );
    return {
      tallies: () => loads.map(({ tally }) => tally),
      stop: async () => Promise.all(loads.map(async (load) => load.stop())),
    };
  }
}
