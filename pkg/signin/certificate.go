package signin

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"strings"

	"software.sslmate.com/src/go-pkcs12"
)

// keyPair is a certificate, that of the key first, and its key.
type keyPair struct {
	chain []*x509.Certificate
	key   crypto.PrivateKey
}

func (k keyPair) thumbprint() string {
	sum := sha1.Sum(k.chain[0].Raw)
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}

// readCertificate reads a PEM or PFX file; an error names the file and what is
// wrong with it.
func readCertificate(file, password string) (keyPair, error) {
	raw, err := readSmall("certificate", file)
	if err != nil {
		return keyPair{}, err
	}
	pair, err := readPFX(raw, password)
	if bytes.Contains(raw, []byte("-----BEGIN ")) {
		pair, err = readPEM(raw)
	}
	if err == nil {
		err = pair.check()
	}
	if err != nil {
		return keyPair{}, input("certificate %s: %v", file, err)
	}
	return pair, nil
}

// check brings the key's own certificate to the front.
func (k keyPair) check() error {
	key, ok := k.key.(*rsa.PrivateKey)
	if !ok {
		return errors.New("its key is not RSA, and Entra takes no other")
	}
	for i, c := range k.chain {
		if key.PublicKey.Equal(c.PublicKey) {
			k.chain[0], k.chain[i] = k.chain[i], k.chain[0]
			return nil
		}
	}
	return errors.New("its key is not that of the certificate in it")
}

func readPFX(raw []byte, password string) (keyPair, error) {
	key, cert, others, err := pkcs12.DecodeChain(raw, password)
	switch {
	case errors.Is(err, pkcs12.ErrIncorrectPassword) && password == "":
		return keyPair{}, errors.New("it needs its password: --certificate-password-stdin")
	case errors.Is(err, pkcs12.ErrIncorrectPassword):
		return keyPair{}, errors.New("the password is wrong")
	case err != nil:
		return keyPair{}, errors.New("it is neither PEM nor PFX with one certificate and its key")
	}
	return keyPair{chain: append([]*x509.Certificate{cert}, others...), key: key}, nil
}

func readPEM(raw []byte) (keyPair, error) {
	var pair keyPair
	for block, rest := pem.Decode(raw); block != nil; block, rest = pem.Decode(rest) {
		var key any
		var err error
		switch block.Type {
		case "CERTIFICATE":
			cert, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return keyPair{}, errors.New("a certificate in it is broken")
			}
			pair.chain = append(pair.chain, cert)
			continue
		case "PRIVATE KEY":
			key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
		case "RSA PRIVATE KEY":
			if block.Headers["DEK-Info"] == "" {
				key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
				break
			}
			fallthrough
		case "ENCRYPTED PRIVATE KEY":
			return keyPair{}, errors.New("its key has a password, which PEM can't have here; openssl pkcs12 -export makes a PFX of it")
		case "EC PRIVATE KEY":
			return keyPair{}, errors.New("its key is not RSA, and Entra takes no other")
		default:
			continue
		}
		if err != nil {
			return keyPair{}, errors.New("the key in it is broken")
		}
		if pair.key != nil {
			return keyPair{}, errors.New("there are two keys in it")
		}
		pair.key = key
	}
	switch {
	case len(pair.chain) == 0:
		return keyPair{}, errors.New("there is no certificate in it")
	case pair.key == nil:
		return keyPair{}, errors.New("there is no private key in it")
	}
	return pair, nil
}
