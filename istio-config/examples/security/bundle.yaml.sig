{
  "apiVersion": "capstan.dev/v1alpha1",
  "kind": "PolicyBundleSignature",
  "digest": "sha256:6c90818e568db07f24504f4b3959695c299b32f564d53e063ba9550b24cf5f93",
  "signatures": [
    {
      "keyId": "sha256:b348870a6fea25bf4131c31e737c04572d4ba36fd1d1e93b49084629764e410b",
      "algorithm": "Ed25519",
      "signature": "opmFRbnz2cdT+xrLTL2BfDWKq/c0dOZvsckdPXdMO03Jy71hnGMABI8o1Ei/BHl6+tkk7m4MXq5JGZKSkjn6DQ=="
    }
  ]
}
