// Names of a certificate's files as Istio's agent writes them under OUTPUT_CERTS, and as `capstan issue` does.
export const ISTIO_FILES = { key: 'key.pem', chain: 'cert-chain.pem', anchors: 'root-cert.pem' } as const;
