import assert from 'node:assert/strict';
import { FiguresOfLately, type ServerFigures } from '../../../src/authority/chores/server-figures.ts';
import { FakeClock } from '../../support/fakes/fake-clock.ts';

const NOTHING: ServerFigures = { issued: 0, refused: {}, streams: 0, anchors: [], rollovers: [] };

describe('Figures of lately', () => {
  let clock: FakeClock;
  let end: AbortController;
  let running: Promise<void>;
  let read: () => Promise<ServerFigures>;
  let figures: FiguresOfLately;
  beforeEach(() => {
    clock = new FakeClock();
    end = new AbortController();
    read = async () => NOTHING;
    figures = new FiguresOfLately({ read: async () => read(), clock });
    running = figures.run({ signal: end.signal });
  });
  afterEach(async () => {
    end.abort();
    await running;
  });

  it('are what was decided in each ten seconds', async () => {
    await clock.advance(1);
    read = async () => ({ ...NOTHING, issued: 30, refused: { 'CAP-P01': 2, 'CAP-A05': 1 } });
    await clock.advance(10_000);
    read = async () => ({ ...NOTHING, issued: 35, refused: { 'CAP-P01': 2, 'CAP-A05': 1 } });
    await clock.advance(10_000);
    const { issued, refused, endsMs } = figures.lately();
    assert.deepEqual({ issued, refused }, { issued: [30, 5], refused: [3, 0] });
    assert.equal(endsMs[1]! - endsMs[0]!, 10_000);
  });

  it('go back an hour and no further', async () => {
    for (let step = 0; step < 400; step += 1) await clock.advance(10_000);
    assert.equal(figures.lately().issued.length, 360);
  });

  it('leave out what could not be read, and count it with the next', async () => {
    await clock.advance(1);
    read = async () => Promise.reject(new Error('a worker is away'));
    await clock.advance(10_000);
    read = async () => ({ ...NOTHING, issued: 7 });
    await clock.advance(10_000);
    assert.deepEqual(figures.lately().issued, [7]);
  });
});
