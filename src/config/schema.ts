// The single source of the configuration: every key once. From this table come the type, the
// parser, the environment names, the flags, the reference page and the redaction. It is long because
// it is a table. Durations become milliseconds.
import { optional, required, withDefault, type ValueOf } from './key.ts';
import {
  address,
  addressRange,
  choice,
  collectorUrl,
  dnsName,
  duration,
  durationOrUnlimited,
  filePath,
  flag,
  fraction,
  httpsUrl,
  integer,
  ipAddress,
  listOf,
  loopbackAddress,
  trustDomain,
} from './shapes.ts';
import {
  clusterId,
  federatedDomain,
  labels,
  MAX_FEDERATED,
  MAX_SOCKETS,
  sdsSocket,
  socketMode,
  tokenIssuer,
} from './structures.ts';

const followed = { followed: true } as const;
const lifetime = duration('2s', '365d');
const proofAge = durationOrUnlimited('1m', '3650d');

export const schema = {
  trustDomain: withDefault(
    trustDomain,
    'cluster.local',
    "The mesh's trust domain, the first part of every SPIFFE ID. It must be the one in Istio's mesh configuration.",
  ),

  listen: {
    tls: {
      address: withDefault(
        address,
        '127.0.0.1:15012',
        "Where Istio's CSR API and Envoy's SDS are served over TLS. Write 0.0.0.0:15012 to serve other hosts.",
      ),
    },
    http: {
      address: withDefault(
        address,
        '127.0.0.1:15014',
        'Where /healthz, /readyz, /policy and /metrics are served, without TLS and without authentication.',
      ),
    },
    administration: {
      socket: optional(
        filePath,
        "Unix socket, open to the server's own user alone, over which commands such as `capstan sds status` ask and tell it. Absent, `admin.sock` beside the journal.",
      ),
    },
    plaintext: {
      address: optional(
        loopbackAddress,
        'Where the same services are served without TLS, for a mesh proxy on this machine. Absent, there is no such door.',
      ),
    },
    maxConnections: withDefault(
      integer(1, 1_000_000),
      16_384,
      'Most connections open at once on each door. For one more, one that has proven nobody makes way, or one of the namespace that holds most; otherwise the newcomer is closed.',
    ),
    unprovenShare: withDefault(
      fraction(0.01, 1),
      0.25,
      'Share of `listen.maxConnections` that one source, an IPv4 address or an IPv6 /64, may hold with connections on which nobody was proven. Its oldest makes way for its next.',
    ),
    unprovenTimeout: withDefault(
      duration('1s', '1h'),
      '30s',
      'Longest that a connection stays open on which nobody was proven. Pings prove nobody.',
    ),
    gateways: withDefault(
      listOf(addressRange, 100),
      [],
      'Addresses of gateways and load balancers that many clients come through, as CIDR ranges. Each connection through them counts as a source of its own.',
    ),
    maxHandshakes: withDefault(
      integer(1, 100_000),
      256,
      'Most TLS handshakes under way at once. One more waits, sources take turns, and meanwhile whoever dawdles makes way. A client that says nothing has no place among them.',
    ),
    handshakeTimeout: withDefault(
      duration('1s', '1m'),
      '10s',
      'Longest that a TLS handshake may take, from the connection on.',
    ),
    maxStreamsPerConnection: withDefault(
      integer(1, 100_000),
      1_000,
      'Most calls and streams open at once on one connection; a client waits with the next.',
    ),
    maxRequestsInFlight: withDefault(
      integer(1, 100_000),
      512,
      'Most certificate requests worked on at once. One more waits for half a second at most; then it is refused with CAP-Q01 and may be tried again.',
    ),
    maxRequestsPerNamespace: withDefault(
      integer(1, 100_000),
      32,
      'Most certificate requests worked on at once of one namespace, or of one source whose connections have proven nobody yet. Its next waits, and others take their turns first.',
    ),
    requestTimeout: withDefault(
      duration('1s', '1m'),
      '5s',
      "Longest that one certificate request may take. Istio's agents set no deadline of their own.",
    ),
  },

  serving: {
    dnsNames: withDefault(
      listOf(dnsName, 100),
      ['capstan.istio-system.svc', 'istiod.istio-system.svc', 'localhost'],
      "DNS names in Capstan's own certificate. It needs every host name that clients are given as `caAddress`.",
    ),
    ipAddresses: withDefault(listOf(ipAddress, 100), ['127.0.0.1'], "IP addresses in Capstan's own certificate."),
    ttl: withDefault(
      lifetime,
      '24h',
      "Lifetime of Capstan's own certificate; it is renewed at half of it, without closing a connection.",
    ),
  },

  issuer: {
    name: withDefault(clusterId, 'default', 'What policies call this issuer.'),
    chainFile: required(
      filePath,
      'PEM file with the intermediate that signs, then what stands between it and an anchor.',
      followed,
    ),
    keyFile: required(filePath, "PEM file with the intermediate's private key; give it mode 0400.", followed),
  },

  trustAnchors: {
    file: required(
      filePath,
      'PEM file with the trust anchors that every workload gets: the corporate root, and during a rotation its successor.',
      followed,
    ),
    federated: withDefault(
      listOf(federatedDomain, MAX_FEDERATED),
      [],
      'Other trust domains whose callers proxies of this mesh take, each with its own anchors. They go out for the SPIFFE validator alone; a proxy that declines it gets none of them.',
      followed,
    ),
  },

  policy: {
    bundle: {
      file: optional(
        filePath,
        'The policy bundle of the security team: a YAML file with its signature beside it as `<file>.sig`, or a folder of such pairs, of which the highest sequence counts. Either this or `policy.bundle.url` is needed.',
        followed,
      ),
      url: optional(
        httpsUrl,
        'Where the policy bundle is fetched; its signature is at the same URL with `.sig` behind it.',
      ),
      caFile: optional(
        filePath,
        'PEM file with the only certificate authority that `policy.bundle.url` is trusted by.',
      ),
      pollInterval: withDefault(
        duration('5s', '1d'),
        '1m',
        'How often `policy.bundle.url` is asked for a newer bundle.',
      ),
      keys: withDefault(
        listOf(filePath, 16),
        [],
        'PEM files with the public keys, Ed25519 or ECDSA P-256, of those who may sign the policy bundle.',
      ),
      threshold: withDefault(integer(1, 16), 1, 'How many of them must have signed it.'),
      stateFile: optional(
        filePath,
        'File that remembers the newest policy bundle, so that an older one is refused also after a restart. Beside it, in `<stateFile>.local/`, are the last good local policies of each owner. Keep both on a disk that survives a restart.',
      ),
      unsigned: withDefault(flag, false, 'Whether an unsigned policy bundle is accepted.', { devOnly: true }),
    },
    directory: optional(
      filePath,
      'Folder of ClusterIssuancePolicy and IssuancePolicy files; a file below a folder named like a namespace belongs to that namespace and may speak of it only. Absent, the policy bundle alone decides.',
      followed,
    ),
    maxWaiting: withDefault(
      integer(0, 100_000),
      256,
      'Most requests held at once for a condition to turn true; one more is answered at once.',
    ),
  },

  cluster: {
    id: withDefault(
      clusterId,
      'default',
      "This cluster's id, for the audience of the policy bundle and for rules that name it.",
    ),
    labels: withDefault(labels, {}, 'Labels of this cluster, for rules that differ between environments.'),
    manifests: optional(
      filePath,
      'Folder of Kubernetes manifests that conditions and namespace labels are judged by. Absent, a policy that asks for them cannot be judged.',
      followed,
    ),
  },

  lifetimes: {
    default: withDefault(lifetime, '1h', 'Lifetime of a certificate when the request names none.'),
    max: withDefault(lifetime, '24h', 'Longest lifetime; a longer wish is cut to it, and policy may cut it further.'),
    min: withDefault(
      duration('1s', '1h'),
      '10s',
      'Least that is left of a certificate when it is signed; a shorter wish is raised to it. A policy that allows less is refused (CAP-P05), and an issuer with less left signs nothing.',
    ),
    backdate: withDefault(
      duration('0s', '2m'),
      '1m',
      'How far validity begins in the past, for clocks that run late. Less than a quarter of every lifetime set here.',
    ),
    jitterPercent: withDefault(
      integer(0, 20),
      5,
      'Up to this share of the lifetime is taken off at random, so that a fleet does not renew in step.',
    ),
  },

  authentication: {
    clientCertificates: withDefault(
      flag,
      true,
      'Whether a client certificate that this CA issued proves who is asking. VMs renew with it.',
    ),
    maxProofAge: {
      workload: withDefault(
        proofAge,
        '30d',
        'Longest time since the last proof by token or socket for which a client certificate renews: a stolen one does not renew itself for ever. Not longer than `journal.retention`, unless it is `unlimited`.',
      ),
      gateway: withDefault(proofAge, '30d', 'As for workloads, for gateways.'),
      waypoint: withDefault(proofAge, '7d', 'As for workloads, for waypoints. They run as pods, which have tokens.'),
      controlPlane: withDefault(proofAge, '7d', 'As for workloads, for the control plane.'),
    },
    furtherIssuersFile: optional(
      filePath,
      'PEM file with intermediates, beside our own present and former ones, whose leaves prove who is asking: those of other replicas of the same mesh. Nothing is on record here of their leaves, so it serves only classes whose `maxProofAge` is `unlimited`.',
      followed,
    ),
    tokens: {
      issuers: withDefault(
        listOf(tokenIssuer, 16),
        [],
        'Who may vouch for a workload with a bearer token. For Kubernetes it is the API server.',
        followed,
      ),
    },
  },

  sds: {
    sockets: withDefault(
      listOf(sdsSocket, MAX_SOCKETS),
      [],
      'Unix sockets for Envoy, one for each workload: whoever can open the path is the workload.',
    ),
    socketDirectory: optional(
      filePath,
      'Folder that is watched: each `<namespace>/<serviceAccount>` folder in it gets a socket `sds.sock` while it exists.',
      followed,
    ),
    socketMode: withDefault(socketMode, '0600', 'File mode of the sockets in `sds.socketDirectory`.'),
    ttl: withDefault(lifetime, '1h', 'Lifetime of certificates that are served over SDS.'),
    keyType: withDefault(
      choice('ec-p256', 'ec-p384'),
      'ec-p256',
      "Type of the keys that are made for SDS. With ec-p384 every proxy must name P-384 among its `ecdh_curves`; Envoy's own list ends at P-256.",
    ),
    renewAt: withDefault(
      fraction(0.1, 0.9),
      0.5,
      'Share of the lifetime after which a certificate is renewed; up to a tenth of the wait earlier, at random.',
    ),
    spiffeValidator: withDefault(
      flag,
      true,
      "Whether trust anchors go out for Envoy's SPIFFE validator, which takes callers of the listed trust domains alone; without it, of every trust domain under the anchors. A proxy's own wish in its node metadata (`disable_spiffe_cert_validation`) comes first; one with a listener that asks for no client certificate must decline.",
    ),
    maxStreamAge: withDefault(
      duration('1s', '7d'),
      '30m',
      'Age at which a stream is ended, so that its caller proves itself again and streams spread over servers.',
    ),
    acknowledgeWithin: withDefault(
      duration('1s', '10m'),
      '30s',
      'Longest that Envoy may take to answer a secret with ACK or NACK before its stream is ended.',
    ),
    maxStreams: withDefault(integer(1, 1_000_000), 20_000, 'Most SDS streams open at once.'),
    maxStreamsPerCaller: withDefault(
      integer(1, 1_000_000),
      1_000,
      'Most SDS streams that one workload may have open: by identity, credential and pod.',
    ),
    maxIdentities: withDefault(
      integer(1, 1_000_000),
      20_000,
      'Most workloads whose keys are held in memory at once: by identity, credential and pod. What nobody watches makes room.',
    ),
    namespaceShare: withDefault(
      fraction(0.001, 1),
      0.25,
      'Largest share of `sds.maxIdentities`, and of `sds.maxStreams`, that the workloads of one namespace may take, so that no namespace keeps the others out; and of the streams that are being authenticated, that one source may have. A namespace that is larger needs larger maxima, or a larger share; 1 is no limit.',
    ),
    rotationSpread: withDefault(
      duration('0s', '1h'),
      '10s',
      'Time over which all certificates are renewed after a change of issuer.',
    ),
  },

  journal: {
    file: required(filePath, 'SQLite file that records every decision. Keep it on a disk that survives a restart.'),
    retention: withDefault(duration('1h', '36500d'), '30d', 'How long a decision is kept.'),
  },

  telemetry: {
    logLevel: withDefault(
      choice('debug', 'info', 'warn', 'error'),
      'info',
      'Least severity that is logged. Each line is one JSON object.',
    ),
    logFile: optional(filePath, 'File that log lines are appended to. Absent, they go to standard error.'),
    traces: {
      endpoint: optional(
        collectorUrl,
        'Where OpenTelemetry traces are posted over OTLP/HTTP, such as http://collector:4318/v1/traces. Absent, none are made.',
        { secret: true },
      ),
      sampleRatio: withDefault(fraction(0, 1), 0.01, 'Share of requests that are traced.'),
    },
  },

  shutdown: {
    drainDeadline: withDefault(
      duration('0s', '10m'),
      '10s',
      'Longest that requests in flight may take to finish once the server is told to stop.',
    ),
  },
} as const;

/** The whole configuration: validated, frozen, in domain values. Only `app` and `cli` see it. */
export type Config = ValueOf<typeof schema>;
