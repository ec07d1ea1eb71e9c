// The controllers of cert-manager that answer a CertificateRequest: the approver, the CA issuer, and those that say whether an
// Issuer is ready. cert-manager's own main is in a module that is not served. It ends with SIGTERM or SIGKILL.
package main

import (
	"context"
	"flag"
	"log"
	"os/signal"
	"syscall"

	"github.com/cert-manager/cert-manager/pkg/controller"
	"github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/approver"
	"github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/ca"
	"github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/selfsigned"
	"github.com/cert-manager/cert-manager/pkg/controller/clusterissuers"
	"github.com/cert-manager/cert-manager/pkg/controller/issuers"
	_ "github.com/cert-manager/cert-manager/pkg/issuer/ca"
	_ "github.com/cert-manager/cert-manager/pkg/issuer/selfsigned"
	"golang.org/x/sync/errgroup"
)

const workers = 2

// Without the approver requests wait for somebody else to approve or deny them, as with approver-policy.
var signing = []string{
	issuers.ControllerName, clusterissuers.ControllerName, ca.CRControllerName, selfsigned.CRControllerName,
}

func main() {
	kubeconfig := flag.String("kubeconfig", "", "of a user who may do what cert-manager does")
	namespace := flag.String("cluster-resource-namespace", "cert-manager", "where the Secrets of ClusterIssuers are")
	approves := flag.Bool("approver", true, "approve every request")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	names := signing
	if *approves {
		names = append(names, approver.ControllerName)
	}
	if err := run(ctx, *kubeconfig, *namespace, names); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, kubeconfig, namespace string, names []string) error {
	factory, err := controller.NewContextFactory(ctx, controller.ContextOptions{
		Kubeconfig:         kubeconfig,
		KubernetesAPIQPS:   20,
		KubernetesAPIBurst: 50,
		IssuerOptions:      controller.IssuerOptions{ClusterResourceNamespace: namespace},
	})
	if err != nil {
		return err
	}
	running := make([]controller.Interface, 0, len(names))
	for _, name := range names {
		one, err := controller.Known()[name](factory)
		if err != nil {
			return err
		}
		running = append(running, one)
	}
	shared, err := factory.Build()
	if err != nil {
		return err
	}
	shared.SharedInformerFactory.Start(ctx.Done())
	shared.KubeSharedInformerFactory.Start(ctx.Done())
	log.Printf("running: %v", names)
	group, ctx := errgroup.WithContext(ctx)
	for _, one := range running {
		group.Go(func() error { return one.Run(workers, ctx) })
	}
	return group.Wait()
}
