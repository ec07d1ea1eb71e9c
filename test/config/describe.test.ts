import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describeConfig } from '../../src/config/describe.ts';
import { environmentName, flagName } from '../../src/config/key.ts';
import { loadConfig } from '../../src/config/load.ts';
import { showConfig } from '../../src/config/redact.ts';
import { KEYS } from '../../src/config/sources.ts';

const HOME = path.resolve(import.meta.dirname, '../..');

describe('What is derived from the schema', () => {
  it('is the reference page: docs/configuration.md is what `capstan config docs` prints', () => {
    assert.equal(
      readFileSync(path.join(HOME, 'docs/configuration.md'), 'utf8'),
      describeConfig(),
      'run `npm run -s capstan -- config docs > docs/configuration.md`',
    );
  });

  it('are names that do not collide', () => {
    const paths = [...KEYS.keys()];
    assert.equal(environmentName('listen.maxStreamsPerConnection'), 'CAPSTAN_LISTEN_MAX_STREAMS_PER_CONNECTION');
    assert.equal(flagName('listen.maxStreamsPerConnection'), '--listen-max-streams-per-connection');
    assert.equal(new Set(paths.map(environmentName)).size, paths.length);
    assert.equal(new Set(paths.map(flagName)).size, paths.length);
  });

  it('are defaults that are valid themselves', () => {
    for (const [name, { fallback, shape, required }] of KEYS) {
      if (!required) assert.ok(shape.schema.safeParse(fallback).success, name);
    }
  });

  it('is the view of what is in force, without what may carry a credential', () => {
    const endpoint = 'https://me:hunter2@collector.test/v1/traces';
    const file = path.join(HOME, 'istio-config/capstan.yaml');
    const loaded = loadConfig({ file, flags: { 'telemetry.traces.endpoint': endpoint } });
    if ('problems' in loaded) assert.fail(JSON.stringify(loaded.problems));
    assert.equal(loaded.config.telemetry.traces.endpoint, endpoint);
    const shown = showConfig(loaded.entries);
    assert.ok(!JSON.stringify(shown).includes('hunter2'));
    assert.deepEqual(
      shown.find(({ path: key }) => key === 'telemetry.traces.endpoint'),
      { path: 'telemetry.traces.endpoint', value: '(hidden)', from: '--telemetry-traces-endpoint' },
    );
    assert.deepEqual(
      shown.map(({ path: key }) => key),
      [...KEYS.keys()],
    );
  });

  it('accepts the example for production', () => {
    const loaded = loadConfig({ file: path.join(HOME, 'istio-config/capstan.yaml') });
    assert.deepEqual('problems' in loaded ? loaded.problems : [], []);
  });
});
