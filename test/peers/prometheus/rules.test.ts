// Prometheus' own judge of the alerts and of their tests.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { findPromtool } from '../../adapters/telemetry/promtool.ts';
import { peerOrSkip } from '../support/presence.ts';

const ALERTS = path.resolve(import.meta.dirname, '../../../istio-config/alerts');

describe('promtool, of the alerts', () => {
  let promtool: string;
  before(function () {
    promtool = peerOrSkip(this, findPromtool(), 'promtool');
  });

  for (const [title, args] of [
    ['takes the rules', ['check', 'rules', 'capstan.yaml']],
    ['sees each of them quiet, fired and resolved', ['test', 'rules', 'capstan.test.yaml']],
  ] as const) {
    it(title, () => {
      const { status, stdout, stderr } = spawnSync(promtool, args, { cwd: ALERTS, encoding: 'utf8' });
      assert.equal(status, 0, stdout + stderr);
    });
  }
});
