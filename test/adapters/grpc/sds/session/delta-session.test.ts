import assert from 'node:assert/strict';
import { describeHeldBundle } from './held-bundle.ts';
import { DeltaStory, FOREIGN, CALLER, UNAVAILABLE } from './story.ts';

function accepted(): DeltaStory {
  const story = new DeltaStory();
  story.ask('default');
  story.publish('svid', 'v1');
  story.ack();
  return story;
}

describe('A delta session', () => {
  it('serves what is subscribed to, and wants nothing else', () => {
    const story = new DeltaStory();
    assert.deepEqual(story.ask('default'), [{ kind: 'want', secret: 'svid' }]);
    story.publish('svid', 'v1');
    assert.deepEqual(story.said, ['default=v1']);
  });

  it('tells at once that a foreign or unknown name does not exist', () => {
    const story = new DeltaStory();
    story.ask(FOREIGN, 'nonsense');
    assert.deepEqual(story.said, [`-${FOREIGN} -nonsense`]);
    assert.deepEqual(
      story.of('unavailable').map(({ name }) => name),
      [FOREIGN, 'nonsense'],
    );
  });

  it('does not count the acceptance of an absence', () => {
    const story = new DeltaStory();
    story.ask(FOREIGN);
    assert.deepEqual(story.ack(), []);
  });

  it('sends nothing for the wildcard, spelled or left out', () => {
    for (const wildcard of [[], ['*']]) {
      const story = new DeltaStory();
      story.ask(...wildcard);
      assert.deepEqual(
        story.effects.map(({ kind }) => kind),
        ['unavailable'],
      );
    }
  });

  it('never echoes a name of more than 2,048 characters', () => {
    const story = new DeltaStory();
    story.ask('x'.repeat(2049));
    assert.deepEqual(story.said, []);
    assert.equal(story.of('unavailable').length, 1);
  });

  it('ends a stream that subscribes to more than 100 names, at once or bit by bit', () => {
    const names = Array.from({ length: 5000 }, (_, at) => `name-${at}`);
    const atOnce = new DeltaStory();
    atOnce.ask(...names);
    const bitByBit = new DeltaStory();
    for (const name of names.slice(0, 101)) bitByBit.ask(name);
    for (const story of [atOnce, bitByBit]) {
      assert.deepEqual(
        story.of('end').map(({ error }) => error.reason),
        ['CAP-Q02'],
      );
    }
  });

  it('ends a stream without node, or of another type', () => {
    for (const bad of [{ node: undefined }, { typeUrl: 'type.googleapis.com/other' }]) {
      const [effect] = new DeltaStory().request({ subscribe: ['default'], ...bad });
      assert.ok(effect?.kind === 'end' && effect.error.reason === 'CAP-M03');
    }
  });

  describe('compares with what the client brings', () => {
    it('does not send what the client holds already', () => {
      const story = new DeltaStory();
      story.request({ subscribe: ['default'], initialVersions: new Map([['default', 'v1']]) });
      story.publish('svid', 'v1');
      assert.deepEqual(story.said, []);
      story.publish('svid', 'v2');
      assert.deepEqual(story.said, ['default=v2']);
    });

    it('sends what the client holds in another version', () => {
      const story = new DeltaStory();
      story.request({ subscribe: ['default'], initialVersions: new Map([['default', 'v0']]) });
      story.publish('svid', 'v1');
      assert.deepEqual(story.said, ['default=v1']);
    });

    it('tells a client that a name it holds does not exist', () => {
      const story = new DeltaStory();
      story.request({ subscribe: [FOREIGN], initialVersions: new Map([[FOREIGN, 'v9']]) });
      assert.deepEqual(story.said, [`-${FOREIGN}`]);
    });

    it('believes such versions in the first message only', () => {
      const story = accepted();
      story.request({ subscribe: [CALLER.uri], initialVersions: new Map([[CALLER.uri, 'v1']]) });
      assert.deepEqual(story.said, ['default=v1', `${CALLER.uri}=v1`]);
    });
  });

  describe('follows the subscription', () => {
    it('changes it even when the nonce is stale or forged, and takes neither for an answer', () => {
      for (const nonce of ['salt-0', 'forged', '']) {
        const story = new DeltaStory();
        story.ask('default');
        story.publish('svid', 'v1');
        story.request({ subscribe: [CALLER.uri], unsubscribe: ['default'], nonce, rejection: 'no' });
        assert.deepEqual([...story.session.lastSent.keys()], [CALLER.uri]);
        assert.deepEqual(story.said, ['default=v1']);
        story.ack();
        assert.deepEqual(story.said, ['default=v1', `${CALLER.uri}=v1`]);
        assert.deepEqual(story.of('rejected'), []);
      }
    });

    it('sends again what is subscribed to again', () => {
      const story = accepted();
      story.ask('default');
      assert.deepEqual(story.said, ['default=v1', 'default=v1']);
    });

    it('tells again of an absence that is asked about again', () => {
      const story = new DeltaStory();
      story.ask(FOREIGN);
      story.ack();
      story.ask(FOREIGN);
      assert.deepEqual(story.said, [`-${FOREIGN}`, `-${FOREIGN}`]);
      assert.equal(story.of('unavailable').length, 1);
    });

    it('says nothing to an unsubscription, and releases what nobody names', () => {
      const story = accepted();
      assert.deepEqual(story.request({ unsubscribe: ['default', 'never-named'] }), [
        { kind: 'release', secret: 'svid' },
      ]);
    });

    it('keeps a name that one message drops and asks for', () => {
      const story = accepted();
      story.request({ subscribe: ['default'], unsubscribe: ['default'] });
      assert.deepEqual(story.said, ['default=v1', 'default=v1']);
    });
  });

  describe('keeps one response on the way', () => {
    it('holds what is new until the client has answered, and then sends the newest only', () => {
      const story = new DeltaStory();
      story.ask('default');
      for (const version of ['v1', 'v2', 'v3']) story.publish('svid', version);
      story.ack();
      assert.deepEqual(story.said, ['default=v1', 'default=v3']);
    });

    it('never sends rejected content again, not even when it is subscribed to again', () => {
      const story = new DeltaStory();
      story.ask('default');
      story.publish('svid', 'v1');
      story.nack();
      story.ask('default', CALLER.uri);
      story.publish('svid', 'v1');
      assert.deepEqual(story.said, ['default=v1']);
      story.publish('svid', 'v2');
      assert.deepEqual(story.said, ['default=v1', `default=v2 ${CALLER.uri}=v2`]);
    });
  });

  describeHeldBundle(() => new DeltaStory());

  describe('meets a refusal of the authority', () => {
    it('tells that the secret does not exist, and serves it when it comes', () => {
      const story = new DeltaStory();
      story.ask('default');
      story.publish('svid', UNAVAILABLE);
      story.ack();
      story.publish('svid', 'v1');
      assert.deepEqual(story.said, ['-default', 'default=v1']);
      assert.match(story.of('unavailable')[0]!.why, /^CAP-P01/);
    });

    it('takes back a secret, and gives the same one again', () => {
      const story = accepted();
      story.publish('svid', UNAVAILABLE);
      story.ack();
      story.publish('svid', 'v1');
      assert.deepEqual(story.said, ['default=v1', '-default', 'default=v1']);
    });

    it('says nothing before the authority has spoken', () => {
      const story = new DeltaStory();
      story.ask('default', 'ROOTCA');
      assert.deepEqual(story.said, []);
    });
  });
});
