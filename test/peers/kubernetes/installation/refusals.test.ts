// Values with which an installation could not work, and how the chart says so before anything is changed. Those of the console are
// in console.test.ts.
import assert from 'node:assert/strict';
import { findPrograms } from '../../programs/programs.ts';
import { peerOrSkip } from '../../support/presence.ts';
import { renderChart } from '../support/chart.ts';

const people = { clientCaFile: '/etc/capstan/people/ca.pem' };
const administration = { clientCaConfigMap: 'people' };

describe('The chart', function () {
  this.timeout(60_000);
  before(function () {
    peerOrSkip(this, findPrograms('helm'), 'Helm');
  });

  for (const [value, listen] of [
    ['administration.clientCaConfigMap', { administration: people }],
    ['console.certificateSecret', { console: { chainFile: '/etc/capstan/console/tls.crt' } }],
    ['console.oidcSecret', { console: { oidc: { caFile: '/etc/capstan/console-oidc/ca.crt' } } }],
    ['metrics.tokenSecret', { metrics: { tokenFile: '/etc/capstan/metrics/tokens' } }],
  ] as const) {
    it(`refuses files of ${value} where nothing mounts them`, () => {
      assert.throws(() => renderChart({ config: { listen } }), new RegExp(`mounted where ${value} names`));
      const [section = '', key = ''] = value.split('.');
      const extraVolumeMounts = [
        { name: 'own', mountPath: `/etc/capstan/${/capstan\/([a-z-]+)/.exec(JSON.stringify(listen))![1]}` },
      ];
      assert.doesNotThrow(() => renderChart({ config: { listen }, [section]: { [key]: 'somebody' } }));
      assert.doesNotThrow(() => renderChart({ config: { listen }, extraVolumeMounts }));
    });
  }

  for (const [what, values, why] of [
    [
      'administration where no operator could be known',
      { config: { listen: { administration: { address: '0.0.0.0:15016' } } } },
      /administration\.address needs .*clientCaFile/,
    ],
    [
      'administration that is offered to peers and kept in its pod',
      {
        administration,
        networkPolicy: { administrationFrom: [{ podSelector: {} }] },
        config: { listen: { administration: { address: '127.0.0.1:15016', ...people } } },
      },
      /administrationFrom lets peers in that .* keeps out/,
    ],
    [
      'metrics where no scraper could be known',
      { config: { listen: { metrics: { address: '0.0.0.0:15018' } } } },
      /metrics\.address needs metrics\.tokenSecret/,
    ],
    [
      'two listeners at one port',
      { config: { listen: { administration: { address: '0.0.0.0:15012', ...people } } }, administration },
      /listen\.administration\.address and config\.listen\.tls\.address have the same port, 15012/,
    ],
    [
      'two listeners at one port, of which one keeps to its pod',
      { config: { crl: { address: '127.0.0.1:15014' } } },
      /crl\.address and config\.listen\.http\.address have the same port, 15014/,
    ],
    [
      'a ServiceMonitor of metrics that are kept in their pod',
      {
        metrics: { tokenSecret: 'tokens' },
        serviceMonitor: { enabled: true },
        config: { listen: { metrics: { address: '[::1]:15018', tokenFile: '/etc/capstan/metrics/tokens' } } },
      },
      /serviceMonitor\.enabled has Prometheus ask where .* keeps it out/,
    ],
  ] as const) {
    it(`refuses ${what}`, () => {
      assert.throws(() => renderChart(values), why);
    });
  }

  it('takes metrics that a client certificate is shown for', () => {
    const listen = {
      administration: people,
      metrics: { address: '0.0.0.0:15018', readers: ['DNS:prometheus.example'] },
    };
    assert.doesNotThrow(() => renderChart({ administration, config: { listen } }));
  });
});
