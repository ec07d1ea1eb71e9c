import assert from 'node:assert/strict';
import { describeHeldBundle } from './held-bundle.ts';
import { content, FOREIGN, NODE, CALLER, SotwStory, UNAVAILABLE } from './story.ts';

const BUNDLE_ID = 'spiffe://cluster.local';

/** A stream that has been given v1 of its certificate and has accepted it. */
function accepted(): SotwStory {
  const story = new SotwStory();
  story.ask('default');
  story.publish('svid', 'v1');
  story.ack();
  return story;
}

describe('A state-of-the-world session', () => {
  describe('answers names', () => {
    for (const [name, kind] of [
      ['default', 'svid'],
      [CALLER.uri, 'svid'],
      ['ROOTCA', 'bundle'],
      ['ALL', 'bundle'],
      [BUNDLE_ID, 'bundle'],
    ] as const) {
      it(`serves ${name} with the ${kind}, and wants nothing else for it`, () => {
        const story = new SotwStory();
        assert.deepEqual(story.ask(name), [{ kind: 'want', secret: kind }]);
        story.publish(kind, 'v1');
        assert.deepEqual(story.said, [`${name}=v1`]);
      });
    }

    it('serves several names of the same secret in one response, each under its own name', () => {
      const story = new SotwStory();
      story.ask('ROOTCA', 'ALL', BUNDLE_ID);
      story.publish('bundle', 'b1');
      assert.deepEqual(story.said, [`ROOTCA=b1 ALL=b1 ${BUNDLE_ID}=b1`]);
    });

    it('answers a name that is repeated in one request once', () => {
      const story = new SotwStory();
      story.ask('default', 'default', 'default');
      story.publish('svid', 'v1');
      assert.deepEqual(story.said, ['default=v1']);
    });

    it('does not serve a foreign and an unknown name, says so once, and serves the rest', () => {
      const story = new SotwStory();
      story.ask(FOREIGN, 'default', 'kubernetes://tls');
      story.publish('svid', 'v1');
      story.ack();
      assert.deepEqual(story.said, ['default=v1']);
      assert.deepEqual(
        story.of('unavailable').map(({ name }) => name),
        [FOREIGN, 'kubernetes://tls'],
      );
    });

    it('does not serve a name of more than 2,048 characters and keeps none of it', () => {
      const story = new SotwStory();
      story.ask('x'.repeat(2049), 'default');
      story.publish('svid', 'v1');
      assert.deepEqual(story.said, ['default=v1']);
      assert.ok(story.of('unavailable')[0]!.name.length < 100);
    });

    it('sends nothing for the wildcard, spelled or left out, and serves names afterwards', () => {
      for (const wildcard of [[], ['*']]) {
        const story = new SotwStory();
        story.ask(...wildcard);
        assert.deepEqual(
          story.effects.map(({ kind }) => kind),
          ['unavailable'],
        );
        story.ask('default');
        story.publish('svid', 'v1');
        assert.deepEqual(story.said, ['default=v1']);
      }
    });

    it('ends a stream that names more than 100 secrets', () => {
      const story = new SotwStory();
      story.ask(...Array.from({ length: 5000 }, (_, at) => `name-${at}`));
      assert.deepEqual(
        story.of('end').map(({ error }) => error.reason),
        ['CAP-Q02'],
      );
      assert.equal(story.effects.length, 1);
    });
  });

  describe('reads messages', () => {
    it('ends a stream whose first message has no node', () => {
      const [effect] = new SotwStory().request({ node: undefined, names: ['default'] });
      assert.ok(effect?.kind === 'end' && effect.error.reason === 'CAP-M03');
    });

    it('remembers the node of the first message', () => {
      const story = new SotwStory();
      story.request({ node: { ...NODE, spiffeValidator: true }, names: ['ROOTCA'] });
      story.publish('bundle', 'b1');
      story.request({ node: undefined, names: ['ROOTCA'], nonce: story.nonce });
      assert.equal(story.session.node?.spiffeValidator, true);
      assert.deepEqual(story.of('end'), []);
    });

    it('ends a stream that asks for another type', () => {
      const [effect] = new SotwStory().request({ typeUrl: 'type.googleapis.com/envoy.config.cluster.v3.Cluster' });
      assert.ok(effect?.kind === 'end' && effect.error.reason === 'CAP-M03');
    });

    it('answers the first message whatever nonce it brings from an earlier stream', () => {
      const story = new SotwStory();
      story.request({ names: ['default'], nonce: 'salt-7' });
      story.publish('svid', 'v1');
      assert.deepEqual(story.said, ['default=v1']);
    });

    it('ignores a stale nonce, with everything that comes with it', () => {
      const story = accepted();
      const stale = story.nonce;
      story.publish('svid', 'v2');
      const before = story.session;
      story.request({ names: ['default', 'ROOTCA'], nonce: stale });
      assert.equal(story.session, before);
    });

    it('ignores a forged nonce: it acknowledges and rejects nothing', () => {
      const story = new SotwStory();
      story.ask('default');
      story.publish('svid', 'v1');
      for (const nonce of ['salt-0', 'salt-2', 'salt', 'other-1', 'salt-1 ']) {
        assert.deepEqual(story.request({ names: ['default'], nonce, rejection: 'bad' }), []);
      }
      assert.deepEqual(story.ack(), [
        { kind: 'acknowledged', secrets: [{ name: 'default', content: content('svid', 'v1') }] },
      ]);
    });
  });

  describe('keeps one response on the way', () => {
    it('holds what is new until the client has answered, and then sends the newest only', () => {
      const story = new SotwStory();
      story.ask('default');
      for (const version of ['v1', 'v2', 'v3', 'v4']) story.publish('svid', version);
      assert.deepEqual(story.said, ['default=v1']);
      story.ack();
      assert.deepEqual(story.said, ['default=v1', 'default=v4']);
    });

    it('does not send again what the client holds', () => {
      const story = accepted();
      story.publish('svid', 'v1');
      story.ack();
      assert.deepEqual(story.said, ['default=v1']);
    });

    it('takes the second acknowledgement of one response for none', () => {
      const story = accepted();
      story.ack();
      assert.equal(story.of('acknowledged').length, 1);
    });

    it('gives every response its own nonce', () => {
      const story = accepted();
      story.publish('svid', 'v2');
      assert.deepEqual(
        story.replies.map(({ nonce }) => nonce),
        ['salt-1', 'salt-2'],
      );
    });

    it('sends only the secret that changed', () => {
      const story = new SotwStory();
      story.ask('default', 'ROOTCA');
      story.publish('svid', 'v1');
      story.publish('bundle', 'b1');
      story.ack();
      story.ack();
      story.publish('bundle', 'b2');
      assert.deepEqual(story.said, ['default=v1', 'ROOTCA=b1', 'ROOTCA=b2']);
    });
  });

  describe('keeps versions', () => {
    it('names a response of one secret by the version of its content', () => {
      assert.equal(accepted().replies[0]!.version, 'v1');
    });

    it('names a response of several by all of them, the same on every stream', () => {
      const versions = [
        ['default', CALLER.uri],
        [CALLER.uri, 'default'],
      ].map((names) => {
        const story = new SotwStory();
        story.ask(...names);
        story.publish('svid', 'v1');
        return story.replies[0]!.version;
      });
      assert.equal(versions[0], versions[1]);
      assert.notEqual(versions[0], 'v1');
    });
  });

  describe('follows the subscription', () => {
    it('answers a newly added name at once, also in the middle of an acknowledgement', () => {
      const story = new SotwStory();
      story.ask('default');
      story.publish('svid', 'v1');
      story.ack(['default', CALLER.uri]);
      assert.deepEqual(story.said, ['default=v1', `${CALLER.uri}=v1`]);
    });

    it('answers a name added in the same breath as a rejection, but with nothing that was rejected', () => {
      const story = new SotwStory();
      story.ask('default');
      story.publish('svid', 'v1');
      story.nack(['default', 'ROOTCA', CALLER.uri]);
      story.publish('bundle', 'b1');
      assert.deepEqual(story.said, ['default=v1', 'ROOTCA=b1']);
    });

    it('takes a request without nonce for a change of names, never for an answer', () => {
      const story = new SotwStory();
      story.ask('default');
      story.publish('svid', 'v1');
      story.ask('default', 'ROOTCA');
      story.publish('bundle', 'b1');
      assert.deepEqual(story.said, ['default=v1']);
      story.ack();
      assert.deepEqual(story.said, ['default=v1', 'ROOTCA=b1']);
    });

    it('answers a name again that was dropped and asked for again', () => {
      const story = accepted();
      story.ack([]);
      story.ack(['default']);
      story.publish('svid', 'v1');
      assert.deepEqual(story.said, ['default=v1', 'default=v1']);
    });

    it('takes no names after some for the end of the subscription', () => {
      const story = accepted();
      assert.deepEqual(story.ack([]), [{ kind: 'release', secret: 'svid' }]);
      story.publish('svid', 'v2');
      assert.deepEqual(story.said, ['default=v1']);
    });

    it('releases everything when it closes', () => {
      const story = new SotwStory();
      story.ask('default', 'ROOTCA');
      assert.deepEqual(story.close(), [
        { kind: 'release', secret: 'svid' },
        { kind: 'release', secret: 'bundle' },
      ]);
    });
  });

  describe('meets a rejection', () => {
    it('never sends the rejected content again, under no name', () => {
      const story = new SotwStory();
      story.ask('default');
      story.publish('svid', 'v1');
      story.nack();
      story.publish('svid', 'v1');
      story.ack(['default', CALLER.uri]);
      story.ack([]);
      story.ack(['default']);
      story.publish('svid', 'v1');
      assert.deepEqual(story.said, ['default=v1']);
      assert.deepEqual(
        story.of('rejected').map(({ message }) => message),
        ['bad key'],
      );
    });

    it('sends other content as soon as there is some, an earlier good one too', () => {
      const story = accepted();
      story.publish('svid', 'v2');
      story.nack();
      story.publish('svid', 'v1');
      story.ack();
      story.publish('svid', 'v2');
      story.publish('svid', 'v3');
      assert.deepEqual(story.said, ['default=v1', 'default=v2', 'default=v1', 'default=v3']);
    });

    it('sends the secret that waited behind the rejected one', () => {
      const story = new SotwStory();
      story.ask('default');
      story.publish('svid', 'v1');
      story.publish('svid', 'v2');
      story.nack();
      assert.deepEqual(story.said, ['default=v1', 'default=v2']);
    });
  });

  describeHeldBundle(() => new SotwStory());

  describe('whose client says nothing more', () => {
    const endings = (story: SotwStory) => [
      ...story.of('complete').map(({ kind }) => kind),
      ...story.of('end').map(({ error }) => error.reason),
    ];

    it('sends what it owes without waiting for answers, and is complete when every name has one', () => {
      const story = new SotwStory();
      story.ask('default', 'ROOTCA');
      story.publish('bundle', 'b1');
      story.finish();
      assert.deepEqual(endings(story), []);
      story.publish('svid', 'v1');
      assert.deepEqual(story.said, ['ROOTCA=b1', 'default=v1']);
      assert.deepEqual(endings(story), ['complete']);
    });

    it('is complete at once when there is nothing to tell', () => {
      for (const names of [[], ['*']]) {
        const story = new SotwStory();
        story.ask(...names);
        story.finish();
        assert.deepEqual(endings(story), ['complete']);
      }
    });

    it('ends with the reason when a name never had an answer, and only then', () => {
      const [unavailable, foreign, renewed] = [new SotwStory(), new SotwStory(), new SotwStory()];
      unavailable.ask('default');
      unavailable.finish();
      unavailable.publish('svid', UNAVAILABLE);
      foreign.ask(FOREIGN);
      foreign.finish();
      renewed.ask('default');
      renewed.publish('svid', 'v1');
      renewed.ack();
      renewed.publish('svid', UNAVAILABLE);
      renewed.finish();
      assert.deepEqual([unavailable, foreign, renewed].map(endings), [['CAP-P01'], ['CAP-M04'], ['complete']]);
    });
  });

  describe('meets a refusal of the authority', () => {
    it('says nothing to the client, stays open, and serves the secret when it comes', () => {
      const story = new SotwStory();
      story.ask('default');
      story.publish('svid', UNAVAILABLE);
      assert.deepEqual(story.said, []);
      assert.match(story.of('unavailable')[0]!.why, /^CAP-P01/);
      story.publish('svid', 'v1');
      assert.deepEqual(story.said, ['default=v1']);
    });

    it('reports a refusal that goes on once', () => {
      const story = new SotwStory();
      story.ask('default');
      story.publish('svid', UNAVAILABLE);
      story.publish('svid', { ...UNAVAILABLE });
      assert.equal(story.of('unavailable').length, 1);
    });
  });
});
