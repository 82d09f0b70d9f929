package azure

import (
	"crypto/rand"
	"fmt"
)

// Generate makes a world of the public cloud in which Alice is at home in the
// first tenant and a guest in the others, and sees all subscriptions of each;
// Robot sees those of the first. The same numbers give the same ids.
func Generate(tenants, subscriptionsEach int) World {
	w := DefaultWorld()
	w.Clouds, w.Tenants, w.Accounts, w.Subscriptions = w.Clouds[:1], nil, nil, nil
	alice := Account{Name: Alice, ObjectID: "a11ce000-0000-4000-8000-000000000001"}
	robot := Account{Name: "robot", ClientID: RobotC, Secret: "test-" + rand.Text(), ObjectID: "5eeeeeee-0000-4000-8000-0000000000ff"}
	for t := range tenants {
		tenant := Tenant{
			ID: guid(fmt.Appendf(nil, "tenant %d", t)), Name: fmt.Sprintf("Tenant%03d", t),
			Domain: fmt.Sprintf("tenant%03d.test", t), Cloud: "AzureCloud",
		}
		w.Tenants = append(w.Tenants, tenant)
		access := []string{Alice}
		if t == 0 {
			alice.Home, robot.Home = tenant.ID, tenant.ID
			access = append(access, RobotC)
		} else {
			alice.Guest = append(alice.Guest, tenant.ID)
		}
		for s := range subscriptionsEach {
			w.Subscriptions = append(w.Subscriptions, Subscription{
				ID: guid(fmt.Appendf(nil, "subscription %d %d", t, s)), Name: fmt.Sprintf("Subscription %03d-%03d", t, s),
				Short: fmt.Sprintf("s%d", s), State: "Enabled", Tenant: tenant.ID, Access: access,
			})
		}
	}
	w.Accounts = []Account{alice, robot}
	return w
}
