// Package azure is a small Azure on loopback for end-to-end tests: the sign-in
// service, the resource manager and a little of Microsoft Graph, under the
// names of the real hosts, over TLS with a certificate authority of its own.
//
// It is meant for real clients, unchanged: azure-cli, MSAL, the SDKs. What it
// knows (tenants, people, subscriptions) is in world.go; what it gives out is
// recorded, so that a test can tell who asked for what, and can search a disk
// for each token and secret. README.md beside this file shows how to use it.
package azure
