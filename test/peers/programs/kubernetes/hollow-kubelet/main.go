// The real kubelet over a container runtime that runs nothing. It registers its node, and writes the projected volumes of
// the pods that are bound to it, as pods would see them, under ROOT/pods/UID/volumes/kubernetes.io~projected/NAME.
// It serves nothing, and ends with SIGTERM or SIGKILL.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"time"

	clientset "k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	remote "k8s.io/cri-client/pkg"
	fakeremote "k8s.io/cri-client/pkg/fake"
	cadvisortest "k8s.io/kubernetes/pkg/kubelet/cadvisor/testing"
	"k8s.io/kubernetes/pkg/kubelet/cm"
	"k8s.io/kubernetes/pkg/kubelet/container"
	"k8s.io/kubernetes/pkg/kubemark"
)

// How often it looks at each of its pods, and so how soon it writes what was not to be had before.
const syncEvery = 2 * time.Second

func main() {
	kubeconfig := flag.String("kubeconfig", "", "of a user who may do what a node does")
	node := flag.String("node", "", "name of the node")
	root := flag.String("root", "", "its directory")
	flag.Parse()
	if err := run(context.Background(), *kubeconfig, *node, *root); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, kubeconfig, node, root string) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return fmt.Errorf("kubeconfig: %w", err)
	}
	client, err := clientset.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("client: %w", err)
	}
	endpoint, err := fakeremote.GenerateEndpoint()
	if err != nil {
		return fmt.Errorf("socket of the runtime: %w", err)
	}
	runtime := fakeremote.NewFakeRemoteRuntime()
	if err := runtime.Start(endpoint); err != nil {
		return fmt.Errorf("runtime: %w", err)
	}
	defer runtime.Stop()
	service, err := remote.NewRemoteRuntimeServiceBuilder().WithEndpoint(endpoint).WithConnectionTimeout(15 * time.Second).Build(ctx)
	if err != nil {
		return fmt.Errorf("client of the runtime: %w", err)
	}

	flags, settings := kubemark.GetHollowKubeletConfig(&kubemark.HollowKubeletOptions{NodeName: node, MaxPods: 110})
	flags.RootDirectory = root
	// Its default address is that of every interface.
	settings.EnableServer = false
	settings.SyncFrequency.Duration = syncEvery
	kubelet := kubemark.NewHollowKubelet(
		flags, settings, client, client, &cadvisortest.Fake{NodeName: node},
		runtime.ImageService, service, cm.NewStubContainerManager(),
	)
	// Otherwise nothing of a volume is really written.
	kubelet.KubeletDeps.OSInterface = container.RealOS{}
	kubelet.Run(ctx)
	return nil
}
