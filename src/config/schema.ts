// The single source of the configuration: every key once. From this table come the type, the
// parser, the environment names, the flags, the reference page and the redaction. It is long because
// it is a table. Durations become milliseconds.
import { optional, required, withDefault, type ValueOf } from './key.ts';
import {
  accountName,
  address,
  addressRange,
  choice,
  collectorUrl,
  dnsLabel,
  dnsName,
  duration,
  durationOrUnlimited,
  filePath,
  flag,
  fraction,
  httpsUrl,
  integer,
  ipAddress,
  labelSelector,
  listOf,
  loopbackAddress,
  name,
  namespaceName,
  objectName,
  processCount,
  serviceAccountName,
  sha256Hex,
  trustDomain,
} from './shapes/shapes.ts';
import { additionalIssuer, environmentVariable, MAX_ADDITIONAL_ISSUERS, tokenKey } from './shapes/issuer.ts';
import { upstream } from './shapes/upstream.ts';
import { transitKey } from './shapes/vault.ts';
import { claimValue, consoleTeam, MAX_TEAMS, origin } from './shapes/console.ts';
import { certifiedName, MAX_OPERATORS } from './shapes/operators.ts';
import { journalStore } from './shapes/journal-store.ts';
import {
  clusterId,
  clusterTrustBundle,
  federatedDomain,
  labels,
  MAX_FEDERATED,
  MAX_REQUESTERS,
  MAX_SOCKETS,
  MAX_TRUST_BUNDLES,
  sdsSocket,
  signingRequester,
  socketMode,
  tokenAudiences,
  tokenIssuer,
} from './shapes/structures.ts';

const followed = { followed: true } as const;
const lifetime = duration('2s', '365d');
const proofAge = durationOrUnlimited('1m', '3650d');

export const schema = {
  trustDomain: withDefault(
    trustDomain,
    'cluster.local',
    "The mesh's trust domain, the first part of every SPIFFE ID. It must be the one in Istio's mesh configuration.",
  ),

  processes: withDefault(
    processCount,
    1,
    'How many processes answer callers. More than one use as many cores, under a supervisor that replaces those that fail; `auto` is one for each core that this process may use.',
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
        'Where /healthz, /readyz, /policy and /metrics are served without TLS. Who asks from another machine, or another pod, learns from /healthz and /readyz whether the server is alive and ready, and reads the rest at `listen.metrics.address`.',
      ),
    },
    metrics: {
      address: optional(
        address,
        'Where the same pages are served over TLS, with the certificate of `listen.tls`, to who shows a bearer token of `listen.metrics.tokenFile` or a client certificate under `listen.administration.clientCaFile` that `listen.metrics.readers` or a role names. Absent, /metrics and /policy are read on loopback alone.',
      ),
      tokenFile: optional(
        filePath,
        'File with the bearer tokens that open these pages, one a line, 32 characters or more, as `openssl rand -base64 32` makes them; up to 20, so that one can follow another. Give it mode 0400.',
        followed,
      ),
      readers: withDefault(
        listOf(certifiedName, MAX_OPERATORS),
        [],
        'Names in client certificates of those who may read these pages and nothing else, such as `DNS:prometheus.monitoring.svc`; spelt as in `listen.administration.roles`. Who has a role there may read them too.',
      ),
    },
    administration: {
      socket: optional(
        filePath,
        "Unix socket, open to the server's own user alone, for administration commands such as `capstan sds status`. Absent, `admin.sock` beside the journal's file; required when the journal is in PostgreSQL.",
      ),
      address: optional(
        address,
        'Where the same is served over TLS for operators with a client certificate (`capstan issuer --server`). Absent, the socket alone.',
      ),
      clientCaFile: optional(
        filePath,
        "PEM file with the certificate authorities that may sign operators' client certificates. Required with `listen.administration.address`; keep it apart from `trustAnchors.file`.",
        followed,
      ),
      roles: {
        viewer: withDefault(
          listOf(certifiedName, MAX_OPERATORS),
          [],
          'Names in client certificates of those who may look: `URI:spiffe://corp.example/ops/alice`, `DNS:ops.example.com` or `CN:alice`; a `*` at the end stands for anything.',
        ),
        operator: withDefault(
          listOf(certifiedName, MAX_OPERATORS),
          [],
          'Those who may look, at rogue CAs too, suspend, resume and roll issuers, and abort a rotation of trust anchors.',
        ),
        security: withDefault(
          listOf(certifiedName, MAX_OPERATORS),
          [],
          'Those who may do everything. Who has the Unix socket may too, but is never the second person.',
        ),
      },
    },
    console: {
      address: optional(
        address,
        'Where the console, the pages for people, is served to browsers over HTTPS. Absent, there is none. `serve --dev` serves it on loopback without TLS, to whoever has the link that it prints once. People sign in with a client certificate where `listen.administration.clientCaFile` is set, with the roles of `listen.administration.roles`, and by `listen.console.oidc`.',
      ),
      url: optional(
        origin,
        'How browsers reach it, such as https://ca.example.com:15019; required with `listen.console.oidc.issuer`. Absent, under the names and addresses of `serving`.',
      ),
      chainFile: optional(
        filePath,
        "PEM file with the certificate that it shows to browsers, and what is above it. Absent, the certificate of `listen.tls`, which is under the mesh's anchors.",
        followed,
      ),
      keyFile: optional(filePath, 'PEM file with the key of `listen.console.chainFile`.', followed),
      teams: withDefault(
        listOf(consoleTeam, MAX_TEAMS),
        [],
        'Teams that see their namespaces alone, each with its `member`, a name in client certificates or `group:` and a value of the claim, and its `namespaces`. Who has a role sees all.',
      ),
      oidc: {
        issuer: optional(
          httpsUrl,
          'OpenID provider at which people sign in, by the authorization code flow with PKCE. Its metadata is read from `/.well-known/openid-configuration` below this URL.',
        ),
        clientId: optional(name, 'How the provider calls the console. Required with the issuer.'),
        clientSecretFile: optional(
          filePath,
          'File with the secret that the provider gave to the console; it is read at each sign-in. Absent, the console is a public client.',
          followed,
        ),
        caFile: optional(
          filePath,
          "PEM file with the certificate authorities of the provider's certificate. Absent, those of the web.",
          followed,
        ),
        scopes: withDefault(
          listOf(name, 20),
          ['openid', 'profile', 'email'],
          'Scopes to ask for; `openid` is one of them.',
        ),
        claim: withDefault(name, 'groups', 'Claim of the ID token, text or a list, whose values give roles and teams.'),
        roles: {
          viewer: withDefault(
            listOf(claimValue, MAX_OPERATORS),
            [],
            'Values of the claim of those who may look at everything but rogue CAs.',
          ),
          operator: withDefault(listOf(claimValue, MAX_OPERATORS), [], 'Values of the claim of operators.'),
          security: withDefault(
            listOf(claimValue, MAX_OPERATORS),
            [],
            'Values of the claim of those who may do everything.',
          ),
        },
      },
      oneTimeLink: withDefault(
        flag,
        false,
        'Whether the console is served without TLS on loopback and opened by a link that works once.',
        { devOnly: true },
      ),
    },
    plaintext: {
      address: optional(
        loopbackAddress,
        'Where the same services are served without TLS, for a mesh proxy on this machine. Absent, there is no plaintext listener.',
      ),
    },
    maxConnections: withDefault(
      integer(1, 1_000_000),
      16_384,
      'Most connections open at once on each listener. When all are taken, an unauthenticated connection is closed to make room, else one of the namespace that holds most; when there is neither, the new connection is closed.',
    ),
    unauthenticatedShare: withDefault(
      fraction(0.01, 1),
      0.25,
      'Largest share of `listen.maxConnections` that unauthenticated connections of one source, an IPv4 address or an IPv6 /64, may take. Beyond it the oldest connection of that source is closed for its next.',
    ),
    unauthenticatedTimeout: withDefault(
      duration('1s', '1h'),
      '30s',
      'Longest that a connection stays open without an authenticated call. Keepalive pings do not count.',
    ),
    gateways: withDefault(
      listOf(addressRange, 100),
      [],
      'Addresses of gateways and load balancers through which many clients connect, as CIDR ranges. Each connection from them counts as a source of its own.',
    ),
    maxHandshakes: withDefault(
      integer(1, 100_000),
      256,
      'Most TLS handshakes under way at once. Further ones wait, taking turns by source, and while they wait slow handshakes are ended. A connection that has sent nothing yet takes no place among the last half of them.',
    ),
    handshakeTimeout: withDefault(
      duration('1s', '1m'),
      '10s',
      'Longest that a TLS handshake may take, counted from the TCP connection.',
    ),
    maxStreamsPerConnection: withDefault(
      integer(1, 100_000),
      1_000,
      'Most calls and streams open at once on one connection; a client has to wait before it opens another.',
    ),
    maxRequestsInFlight: withDefault(
      integer(1, 100_000),
      512,
      'Most certificate requests in progress at once. One more waits for half a second at most; then it is refused with CAP-Q01 and may be retried.',
    ),
    maxRequestsPerNamespace: withDefault(
      integer(1, 100_000),
      32,
      'Most certificate requests in progress at once for one namespace, for one trusted ztunnel, or for one source while its connections are unauthenticated. Its next request waits, and requests of others go first.',
    ),
    requestTimeout: withDefault(
      duration('1s', '1m'),
      '5s',
      "Longest that one certificate request may take. Istio's agents set no deadline of their own.",
    ),
  },

  fairness: {
    inProgress: withDefault(
      integer(1, 10_000),
      64,
      'Most requests that are decided and signed at once, once it is known whom they are for. Further ones wait in a line for each namespace, and the lines are served in turn. What waits for a condition takes no place.',
    ),
    waitingPerNamespace: withDefault(
      integer(1, 10_000),
      128,
      'Most requests for the CSR API of one namespace that wait in its line; one more is refused with CAP-Q01 and may be retried. The requests of a ztunnel wait in the lines of the namespaces that it asks for.',
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
      "Lifetime of Capstan's own certificate; it is renewed at half of that, and no connection is closed.",
    ),
  },

  issuer: {
    name: withDefault(clusterId, 'default', 'Name of this issuer, for policies.'),
    chainFile: optional(
      filePath,
      'PEM file with the intermediate that signs, followed by the certificates between it and a trust anchor. Required unless `issuer.directory` or `issuer.upstream` is given.',
      followed,
    ),
    keyFile: optional(
      filePath,
      "PEM file with the intermediate's private key, encrypted as `openssl pkcs8 -topk8 -scrypt` does it; give it mode 0400. A key that is not encrypted is taken with a warning. Required unless `issuer.directory`, `issuer.pkcs11`, `issuer.transit` or `issuer.upstream` is given.",
      followed,
    ),
    keyPassphraseFile: optional(
      filePath,
      "File with the passphrase of the intermediate's private key in its first line; give it mode 0400.",
      followed,
    ),
    keyPassphraseEnv: optional(
      environmentVariable,
      'Name of an environment variable with that passphrase. Either this or `issuer.keyPassphraseFile`.',
    ),
    directory: optional(
      filePath,
      'Folder with the intermediate, its private key and the trust anchors: as a mounted Secret `cacerts` of Istio (`ca-cert.pem`, `ca-key.pem`, `cert-chain.pem`, `root-cert.pem`), or one of the type kubernetes.io/tls (`tls.crt`, `tls.key`, `ca.crt`). `trustAnchors.file`, where it is given, takes the place of the anchors in it.',
      followed,
    ),
    pkcs11: optional(
      tokenKey,
      "The intermediate's private key in a PKCS#11 token, such as an HSM, which it never leaves; instead of `issuer.keyFile`.",
      followed,
    ),
    transit: optional(
      transitKey,
      "The intermediate's private key in the transit engine of OpenBao or Vault, which it never leaves; instead of `issuer.keyFile`.",
      followed,
    ),
    upstream: optional(
      upstream,
      'The CA that signs the intermediates of this issuer by itself, at the first start and in time before one ends. They are kept in `issuer.directory`, which may be empty at first and must be writable. Without it key and certificate are in memory alone, and each start asks for a new intermediate.',
    ),
    keyWarnings: withDefault(flag, true, 'Whether a private key that is not encrypted is warned of.', {
      devOnly: true,
    }),
  },

  additionalIssuers: withDefault(
    listOf(additionalIssuer, MAX_ADDITIONAL_ISSUERS),
    [],
    'Further intermediates that sign, each with a name for the field `issuer` of policies. A workload gets the first issuer that its policies allow, in the order of `issuer` and this list.',
    followed,
  ),

  trustAnchors: {
    file: optional(
      filePath,
      'PEM file with the trust anchors that every workload gets: the corporate root, and during a rotation its successor. Required unless `issuer.directory` is given, which has them too.',
      followed,
    ),
    crlFile: optional(
      filePath,
      'PEM file with the revocation lists (CRLs) of the trust anchors and of the certificate authorities between them and the issuers, for those who look for one of every certificate in a chain.',
      followed,
    ),
    federated: withDefault(
      listOf(federatedDomain, MAX_FEDERATED),
      [],
      'Other trust domains from which proxies of this mesh accept callers, each with its own anchors. They are sent only for the SPIFFE validator; a proxy that declines it gets none of them.',
      followed,
    ),
    endpoint: {
      address: optional(
        address,
        'Where the SPIFFE bundle endpoint listens, at which other trust domains and istiod fetch the trust anchors over HTTPS, whoever they are. Absent, there is none.',
      ),
      profile: withDefault(
        choice('https_web', 'https_spiffe'),
        'https_web',
        'How the endpoint proves who it is: `https_web` by a certificate of the web from `certificateFile` and `keyFile`, `https_spiffe` by an X.509-SVID of this trust domain, `spiffe://<trustDomain>/capstan.dev/bundle-endpoint`, which Capstan issues to itself.',
      ),
      certificateFile: optional(filePath, 'PEM file with the certificate of the endpoint and its chain.', followed),
      keyFile: optional(filePath, 'PEM file with the private key of that certificate; give it mode 0400.', followed),
      refreshHint: withDefault(
        duration('10s', '24h'),
        '5m',
        'How often those who fetch the bundle are asked to come again.',
      ),
    },
  },

  crl: {
    address: optional(
      address,
      'Where the revocation lists of the issuers are served over HTTP, to whoever asks, at `/crl/<issuer id>.crl`, and with `trustAnchors.crlFile` all lists of whole chains at `/crl/ca-crl.pem`, as Istio mounts them. They are signed; TLS adds nothing. Absent, they are not.',
    ),
    lifetime: withDefault(
      duration('1h', '30d'),
      '24h',
      'Time from the signing of a revocation list to its nextUpdate. After a quarter of it, or when a ban comes, the next one takes its place. Lists are made where `crl.address`, `sds.crl` or `cluster.kubernetes.publish.crlConfigMap` hands them out.',
    ),
  },

  policy: {
    bundle: {
      file: optional(
        filePath,
        'The policy bundle of the security team: a YAML file with its signature beside it as `<file>.sig`, or a folder of such pairs, of which the highest sequence is used. Either this, `policy.bundle.url` or `policy.bundle.from.name` is needed.',
        followed,
      ),
      url: optional(
        httpsUrl,
        'Where the policy bundle is fetched; its signature is at the same URL with `.sig` appended.',
      ),
      caFile: optional(
        filePath,
        'PEM file with the only certificate authority that is trusted for the server of `policy.bundle.url`.',
      ),
      from: {
        name: optional(
          objectName,
          'ConfigMap or Secret of the cluster with the policy bundle as `bundle.yaml` and its signature as `bundle.yaml.sig`. It is followed; its signature is verified as that of a file.',
        ),
        kind: withDefault(choice('ConfigMap', 'Secret'), 'ConfigMap', 'What `policy.bundle.from.name` is.'),
        namespace: optional(namespaceName, 'Its namespace. Absent, `cluster.kubernetes.namespace`.'),
      },
      pollInterval: withDefault(
        duration('5s', '1d'),
        '1m',
        'How often `policy.bundle.url` is polled for a newer policy bundle.',
      ),
      keys: withDefault(
        listOf(filePath, 16),
        [],
        'PEM files with the public keys, Ed25519 or ECDSA P-256, of those who may sign the policy bundle.',
      ),
      threshold: withDefault(integer(1, 16), 1, 'How many of `policy.bundle.keys` must have signed the policy bundle.'),
      stateFile: optional(
        filePath,
        'Rollback state: the file that records the newest policy bundle seen, so that an older one is refused even after a restart. With a journal in PostgreSQL its servers share a row there instead, and the file is only read, for a server that had one before. Beside it, in `<stateFile>.local/`, are the last good local policies of each owner. Keep both on a disk that survives a restart.',
      ),
      unsigned: withDefault(flag, false, 'Whether an unsigned policy bundle is accepted.', { devOnly: true }),
    },
    directory: optional(
      filePath,
      'Folder of ClusterIssuancePolicy and IssuancePolicy files; a file below a folder named like a namespace belongs to that namespace and its policies may apply to it only. Absent, the policy bundle alone decides.',
      followed,
    ),
    expected: {
      directory: optional(
        filePath,
        'Folder with the policies that should be in force, as a checkout of the repository in which they are reviewed has them: the policy bundle and the local policies, and no other YAML. Nothing is taken into force from it; what differs is reported. Its commit is read from `.git`, or from the path as git-sync makes it.',
        followed,
      ),
      bundleDigest: optional(
        sha256Hex,
        'SHA-256 of the policy bundle that should be in force, as `capstan bundle verify` prints it; another one is reported.',
      ),
    },
    maxWaiting: withDefault(
      integer(0, 100_000),
      256,
      'Most requests that may wait at once for a condition to become true; one more is answered at once.',
    ),
  },

  cluster: {
    id: withDefault(
      clusterId,
      'default',
      "This cluster's id, for the audience of the policy bundle and for rules that name the cluster.",
    ),
    labels: withDefault(labels, {}, 'Labels of this cluster, for rules that differ between environments.'),
    manifests: optional(
      filePath,
      'Folder of Kubernetes manifests, against which conditions and namespace labels are evaluated. Absent, a policy that needs them cannot be evaluated.',
      followed,
    ),
    kubernetes: {
      from: optional(
        choice('inCluster', 'kubeconfig'),
        'How the Kubernetes API is reached: `inCluster` as the service account of the pod that this runs in, `kubeconfig` as a file says. Absent, it is not asked.',
      ),
      kubeconfig: optional(
        filePath,
        'Kubeconfig file, for `from: kubeconfig`. Tokens and certificates that it names as files are read again when they change; a program that it names (`exec`) is run with the environment of this process.',
      ),
      context: optional(name, 'Context of the kubeconfig file. Absent, its current one.'),
      namespace: optional(
        namespaceName,
        'Namespace in which Capstan keeps what is its own. Absent, the one that the pod runs in or the context names, else `istio-system`.',
      ),
      staleAfter: withDefault(
        duration('1m', '7d'),
        '15m',
        'How long what was last known of the cluster is believed while the API server cannot be followed. After it, what depends on the cluster is answered with UNAVAILABLE until the server answers again.',
      ),
      trustedNodeAccounts: withDefault(
        listOf(accountName, 16),
        ['istio-system/ztunnel'],
        'Service accounts of node proxies, as `namespace/serviceAccount`, which may ask for the certificates of the workloads on their node: ztunnel does. Whoever may make a pod with one of them may have any certificate of that node. Empty, nobody may.',
      ),
      watchLag: withDefault(
        duration('0s', '10s'),
        '1s',
        'How long a node proxy waits for a pod of which the watch has not told yet, before the API server is asked for it once.',
      ),
      leaseName: withDefault(
        dnsLabel,
        'capstan',
        'Lease in `cluster.kubernetes.namespace` by which one process of all replicas writes. All replicas name the same, and another installation in that namespace another.',
      ),
      publish: {
        rootConfigMap: {
          enabled: withDefault(
            flag,
            false,
            "Whether the trust anchors are kept in a ConfigMap of each selected namespace, under the key `root-cert.pem`: by it a pod's agent knows Capstan and istiod. For where istiod is not the CA. When it is switched off, those that Capstan wrote are removed.",
          ),
          name: withDefault(
            objectName,
            'istio-ca-root-cert',
            "Name of these ConfigMaps: Istio's `global.trustBundleName`.",
          ),
          namespaceSelector: withDefault(
            labelSelector,
            '',
            'Which namespaces get one, by their labels. Empty, all do, also `kube-system`, where ztunnel may run.',
          ),
          excludedNamespaces: withDefault(
            listOf(namespaceName, 100),
            ['kube-node-lease', 'kube-public', 'local-path-storage'],
            'Namespaces that get none, whatever their labels.',
          ),
          waitFor: withDefault(
            duration('0s', '10m'),
            '2m',
            'Longest that new trust anchors, and an issuer below them, wait until every selected namespace has them. After it they come in force all the same, with an alarm.',
          ),
        },
        crlConfigMap: {
          enabled: withDefault(
            flag,
            false,
            'Whether the revocation lists of whole chains are kept in a ConfigMap `istio-ca-crl` of each selected namespace, under the key `ca-crl.pem`: pods of the mesh mount it. For where istiod is not the CA. It is empty while a list is missing or about to lapse. When it is switched off, those that Capstan wrote are emptied: see docs/trust.md.',
          ),
          name: withDefault(
            objectName,
            'istio-ca-crl',
            "Name of these ConfigMaps: Istio's `pilot.crlConfigMapName`; ztunnel knows no other than the default.",
          ),
          namespaceSelector: withDefault(
            labelSelector,
            '',
            'Which namespaces get one, by their labels. Empty, all do.',
          ),
          excludedNamespaces: withDefault(
            listOf(namespaceName, 100),
            ['kube-node-lease', 'kube-public', 'local-path-storage'],
            'Namespaces that get none, whatever their labels.',
          ),
        },
        clusterTrustBundles: withDefault(
          listOf(clusterTrustBundle, MAX_TRUST_BUNDLES),
          [],
          'ClusterTrustBundles (certificates.k8s.io/v1) that the trust anchors are kept in. Those that Capstan wrote and that are not named any more are removed.',
        ),
        istiodTls: {
          namespace: optional(
            namespaceName,
            'Namespace of istiod, in which its serving certificate is kept as the Secret `istiod-tls`: for where istiod is not the CA. Policy has to allow it, in the class `control-plane`, with its DNS names. Absent, there is none.',
          ),
          revisions: withDefault(
            listOf(dnsLabel, 16),
            ['default'],
            'Revisions of istiod that use it: each has a DNS name `istiod-<revision>.<namespace>.svc`.',
          ),
          serviceAccount: withDefault(
            serviceAccountName,
            'istiod',
            'Service account of istiod, for the SPIFFE ID in it.',
          ),
          dnsNames: withDefault(listOf(dnsName, 100), [], 'Further DNS names in it, such as `ISTIOD_CUSTOM_HOST`.'),
          ttl: withDefault(
            lifetime,
            '24h',
            'Its lifetime, within `lifetimes` and policy; it is renewed at half of that.',
          ),
        },
      },
      tokens: {
        audiences: withDefault(
          tokenAudiences,
          ['istio-ca'],
          'A service account token of the cluster is for us when it is for any of these audiences.',
        ),
        aliases: withDefault(
          listOf(clusterId, 16),
          ['Kubernetes'],
          "What agents may call this cluster beside `cluster.id` in the `clusterid` of their calls, which is Istio's `ISTIO_META_CLUSTER_ID`. A call that names no cluster is of this one.",
        ),
        review: withDefault(
          choice('always', 'firstSeen', 'fallback', 'never'),
          'firstSeen',
          'When the API server itself is asked about a token (TokenReview), beside its keys, which verify every token: at each verification, when a token is first seen, only while there are no keys, or never. While it does not answer, the keys decide.',
        ),
        reviewsPerSecond: withDefault(
          integer(1, 10_000),
          50,
          'Most TokenReviews that all processes of this server begin in a second. A token beyond them is judged by the keys, and reviewed when it is shown again.',
        ),
        reviewBurst: withDefault(integer(1, 10_000), 100, 'Most TokenReviews that begin, or are under way, at once.'),
        unbound: withDefault(
          flag,
          false,
          'Whether a token that is bound to no pod is accepted, as `kubectl create token` makes them for machines outside the cluster. It ends with its service account, and otherwise only by itself.',
        ),
        keysFile: optional(
          filePath,
          "File in which the API server's public keys are kept, so that a server that starts while the API server is away can verify tokens, for `cluster.kubernetes.staleAfter` at most. Keep it on a disk that survives a restart.",
        ),
      },
      policies: withDefault(
        flag,
        false,
        'Whether local policies are objects of the cluster: IssuancePolicy of each namespace, and ClusterIssuancePolicy. Their CRDs are in `istio-config/crds`.',
      ),
      events: withDefault(
        flag,
        false,
        'Whether refusals are reported as Events of the service account and its pod, at most ten a second in all.',
      ),
      signers: {
        certificateSigningRequests: {
          requesters: withDefault(
            listOf(signingRequester, MAX_REQUESTERS),
            [],
            'Service accounts whose approved CertificateSigningRequests for the signers `capstan.dev/<issuer>` are judged and signed, such as `system:serviceaccount:istio-system:istiod`. Policy must let them ask for others (`impersonators`). With none, no such request is looked at.',
          ),
        },
        podCertificates: withDefault(
          flag,
          false,
          'Whether PodCertificateRequests for the signers `capstan.dev/<issuer>` are judged and signed. They are made by the kubelet of Kubernetes 1.37 or later, which takes no certificate that lives for less than an hour.',
        ),
      },
      admission: {
        address: optional(
          address,
          'Where the API server asks, over TLS with the serving certificate, before it stores a local policy: one that exceeds the policy bundle is refused with its field. Absent, it is not asked.',
        ),
        configuration: withDefault(
          objectName,
          'capstan',
          'Name of the ValidatingWebhookConfiguration in which the trust anchors are kept, by which the API server knows that certificate.',
        ),
      },
    },
    remote: {
      directory: optional(
        filePath,
        'Folder of kubeconfigs of further clusters whose callers are served, the file name of each the id that they send as `clusterid`; as a mounted Secret. Each has everything in itself: no files, no programs.',
        followed,
      ),
      secrets: {
        namespace: optional(
          namespaceName,
          "Namespace in whose Secrets with Istio's label `istio/multiCluster=true` further kubeconfigs are, as `istioctl create-remote-secret` makes them. Absent, no Secret is read; it needs a Role with list and watch on Secrets of that namespace.",
        ),
      },
    },
  },

  lifetimes: {
    default: withDefault(lifetime, '1h', 'Lifetime of a certificate when the request names none.'),
    max: withDefault(
      lifetime,
      '24h',
      'Longest lifetime; a longer requested value is cut to it, and policy may cut it further.',
    ),
    min: withDefault(
      duration('1s', '1h'),
      '10s',
      'Shortest lifetime; a shorter requested value is raised to it. A request whose policy allows only less is refused (CAP-P05), and an issuer that itself has less left signs nothing.',
    ),
    backdate: withDefault(
      duration('0s', '2m'),
      '1m',
      'How far before the time of issuance validity begins, for clients whose clocks run late. Less than a quarter of every lifetime set here.',
    ),
    jitterPercent: withDefault(
      integer(0, 20),
      5,
      'Up to this share of the lifetime is taken off at random, so that a fleet does not renew all at once.',
    ),
  },

  authentication: {
    clientCertificates: withDefault(
      flag,
      true,
      'Whether a client certificate that this CA issued authenticates the caller. VMs renew with it.',
    ),
    maxProofAge: {
      workload: withDefault(
        proofAge,
        '30d',
        'Longest time since the last authentication by token or socket during which a client certificate may renew, so that a stolen one cannot be renewed for ever. Not longer than `journal.retention`, unless it is `unlimited`.',
      ),
      gateway: withDefault(proofAge, '30d', 'As for workloads, for gateways.'),
      waypoint: withDefault(proofAge, '7d', 'As for workloads, for waypoints. They run as pods, which have tokens.'),
      controlPlane: withDefault(proofAge, '7d', 'As for workloads, for the control plane.'),
    },
    furtherIssuersFile: optional(
      filePath,
      'PEM file with intermediates, beside our own present and former ones, whose leaves authenticate a caller: those of other replicas of the same mesh. Their leaves are in no journal here, so this has an effect only for classes whose `maxProofAge` is `unlimited`.',
      followed,
    ),
    tokens: {
      issuers: withDefault(
        listOf(tokenIssuer, 16),
        [],
        'Issuers whose bearer tokens authenticate workloads. For Kubernetes that is the API server.',
        followed,
      ),
    },
  },

  sds: {
    sockets: withDefault(
      listOf(sdsSocket, MAX_SOCKETS),
      [],
      'Unix sockets for Envoy, one for each workload: a process that can open the path is authenticated as that workload.',
    ),
    socketDirectory: optional(
      filePath,
      'Folder that is watched: each `<namespace>/<serviceAccount>` folder in it gets a socket `sds.sock` for as long as the folder exists.',
      followed,
    ),
    socketMode: withDefault(socketMode, '0600', 'File mode of the sockets in `sds.socketDirectory`.'),
    ttl: withDefault(lifetime, '1h', 'Lifetime of certificates that are served over SDS.'),
    keyType: withDefault(
      choice('ec-p256', 'ec-p384'),
      'ec-p256',
      "Type of the keys that are generated for SDS. With ec-p384 every proxy must name P-384 among its `ecdh_curves`; Envoy's default list ends at P-256.",
    ),
    renewAt: withDefault(
      fraction(0.1, 0.9),
      0.5,
      'Share of the lifetime after which a certificate is renewed; at random, up to a tenth of that time earlier.',
    ),
    spiffeValidator: withDefault(
      flag,
      true,
      "Whether trust anchors are sent for Envoy's SPIFFE validator, which accepts callers of the listed trust domains only; without it, callers of every trust domain under the anchors are accepted. A proxy can decline in its node metadata (`disable_spiffe_cert_validation`), and one with a listener that asks for no client certificate must.",
    ),
    crl: withDefault(
      flag,
      false,
      'Whether the revocation lists of all issuers are sent with plain trust anchors (`sds.spiffeValidator` off, or declined), so that Envoy refuses revoked leaves. Only while they are complete; a proxy that cannot reach Capstan refuses everybody once its lists are out of date: see docs/trust.md.',
    ),
    maxStreamAge: withDefault(
      duration('1s', '7d'),
      '30m',
      'Age at which a stream is ended, so that its caller authenticates again and streams spread over servers.',
    ),
    acknowledgeWithin: withDefault(
      duration('1s', '10m'),
      '30s',
      'Longest that Envoy may take to answer a secret with ACK or NACK; then its stream is ended.',
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
      'Most workloads whose keys are held in memory at once: by identity, credential and pod. Those without an open stream make room for new ones.',
    ),
    namespaceShare: withDefault(
      fraction(0.001, 1),
      0.25,
      'Largest share of `sds.maxIdentities` and of `sds.maxStreams` that the workloads of one namespace may take, so that no namespace keeps the others out; also the largest share of streams not yet authenticated that one source may have. A larger namespace needs larger maxima or a larger share; 1 is no limit.',
    ),
    rotationSpread: withDefault(
      duration('0s', '1h'),
      '10s',
      'Time over which all certificates are renewed after a change of issuer.',
    ),
  },

  journal: {
    store: required(
      journalStore,
      'Where every decision is recorded: an SQLite file, on a disk that survives a restart, or a PostgreSQL that several servers share. A path alone is an SQLite file. Of several hosts the one that takes writes is used.',
    ),
    retention: withDefault(duration('1h', '36500d'), '30d', 'How long a decision is kept.'),
    postgres: {
      caFile: optional(
        filePath,
        'PEM file with the CA that issued the certificate of PostgreSQL, for TLS. Required unless each host is a loopback address or the folder of a Unix socket.',
        followed,
      ),
      passwordFile: optional(
        filePath,
        'File with the password of the user of PostgreSQL, in one line; give it mode 0400. Each new connection reads it.',
        followed,
      ),
      maxConnections: withDefault(
        integer(3, 100),
        10,
        'Most connections to PostgreSQL that one process holds: one writes records, one is for what takes long to read, the others are for requests.',
      ),
      statementTimeout: withDefault(
        duration('1s', '1m'),
        '2s',
        'Longest that PostgreSQL may take for one statement, or for a lock. What must be recorded and is not within twice this time is refused, so keep it below half of `listen.requestTimeout`.',
      ),
    },
  },

  audit: {
    keyFile: optional(
      filePath,
      'PEM file with the private key that signs heads of the journal, one of its own, encrypted as `issuer.keyFile`; give it mode 0400. Without a key the journal is a chain that nobody signs, which is warned of.',
      followed,
    ),
    keyPassphraseFile: optional(
      filePath,
      'File with the passphrase of that key in its first line; give it mode 0400.',
      followed,
    ),
    keyPassphraseEnv: optional(
      environmentVariable,
      'Name of an environment variable with that passphrase. Either this or `audit.keyPassphraseFile`.',
    ),
    pkcs11: optional(
      tokenKey,
      'The key of heads in a PKCS#11 token, such as an HSM, which it never leaves; instead of `audit.keyFile`.',
      followed,
    ),
    transit: optional(
      transitKey,
      'The key of heads in the transit engine of OpenBao or Vault, which it never leaves; instead of `audit.keyFile`.',
      followed,
    ),
    headEvery: withDefault(
      duration('1s', '1h'),
      '10s',
      'How often a head is signed where something was recorded since the last one; one more is when the server stops.',
    ),
    witness: {
      file: optional(
        filePath,
        'File that each head is appended to, on another volume than the journal, best one that only grows. Its end is read when the server begins to make heads, where it may be. Whoever holds the key of heads can rewrite what no witness has seen.',
      ),
      url: optional(
        httpsUrl,
        'Where each head is posted, one line of JSON in a request; an answer of 2xx says that it is kept. A GET asks what is there when the server begins to make heads.',
      ),
      caFile: optional(
        filePath,
        'PEM file with the CA by which the certificate of `audit.witness.url` is verified; read for each head. Absent, those of the platform.',
      ),
      tokenFile: optional(filePath, 'File with a bearer token for `audit.witness.url`; read for each head.'),
    },
  },

  rogue: {
    cluster: withDefault(
      choice('none', 'withoutSecrets', 'all'),
      'none',
      'What the server looks through in its own cluster for CAs that do not lead to the trust anchors (docs/rogue.md): nothing; all but Secrets; or Secrets too, whose private keys its account can then read. The chart gives its account the rights that this needs, and no others.',
    ),
    paths: withDefault(
      listOf(filePath, 16),
      [],
      'Files, and directories with all that is in them, that are looked through as well.',
    ),
    knownFile: optional(
      filePath,
      'PEM file with certificates that may be there, and with what they signed are not reported. Read for each look.',
    ),
    interval: withDefault(duration('1m', '7d'), '15m', 'Time from the end of one look to the beginning of the next.'),
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
    logs: {
      endpoint: optional(
        collectorUrl,
        'Where decisions and acts of operators are posted as OpenTelemetry log records over OTLP/HTTP, such as http://collector:4318/v1/logs. Absent, none are.',
        { secret: true },
      ),
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
