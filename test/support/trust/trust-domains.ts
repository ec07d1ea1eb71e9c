// Trust domains that SPIFFE allows and that are trouble elsewhere: what Go's crypto/x509 does with each in a certificate is
// asked in test/peers/go-verify.
export const UNREADABLE_BY_GO = ['.cluster.local', 'cluster.local.', 'cluster..local', '.'];
export const ODD_BUT_READABLE = ['-x', 'x-', 'a_b.test', 'a.-b', 'x'.repeat(64)];
