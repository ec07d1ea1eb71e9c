// What a session of either kind does for a proxy that rejected its certificate: from that the proxy would build the context of a new
// bundle, fail, and blame the bundle.
import assert from 'node:assert/strict';
import type { DeltaStory, SotwStory } from './story.ts';

type EitherStory = Pick<DeltaStory | SotwStory, 'ask' | 'ack' | 'know' | 'publish' | 'said'> & {
  readonly comeBack: (name: string, version: string) => unknown;
};

/** Tests of a session that has just begun. */
export function describeHeldBundle(begin: () => EitherStory): void {
  describe('belongs to a proxy that rejected its certificate', () => {
    const held = { bundleOnHold: true, rejected: [] };
    const free = { bundleOnHold: false, rejected: [] };

    it('holds back a bundle in the place of another until the proxy is well again', () => {
      const story = begin();
      story.ask('ROOTCA');
      story.publish('bundle', 'b1');
      story.ack();
      story.know(held);
      story.publish('bundle', 'b2');
      story.publish('bundle', 'b3');
      assert.deepEqual(story.said, ['ROOTCA=b1']);
      story.know(free);
      assert.deepEqual(story.said, ['ROOTCA=b1', 'ROOTCA=b3']);
    });

    it('sends a bundle to a proxy that has none, and certificates all the while', () => {
      const story = begin();
      story.know(held);
      story.ask('default', 'ROOTCA');
      story.publish('bundle', 'b1');
      story.ack();
      story.publish('svid', 'v1');
      assert.deepEqual(story.said, ['ROOTCA=b1', 'default=v1']);
    });

    it('holds the bundle back from one that comes back with another', () => {
      const story = begin();
      story.know(held);
      story.comeBack('ROOTCA', 'b1');
      story.publish('bundle', 'b2');
      assert.deepEqual(story.said, []);
      story.know(free);
      assert.deepEqual(story.said, ['ROOTCA=b2']);
    });

    it('sends nothing that the proxy rejected on another stream', () => {
      const story = begin();
      story.know({ bundleOnHold: false, rejected: ['b1'] });
      story.ask('ROOTCA');
      story.publish('bundle', 'b1');
      story.publish('bundle', 'b1 in other bytes');
      assert.deepEqual(story.said, ['ROOTCA=b1 in other bytes']);
    });
  });
}
