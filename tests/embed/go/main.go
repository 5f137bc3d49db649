// An agent as K3s is one: starts the controller inside its own process, feeds it
// from its own caches, holds the node back until the first sync, stops it. Here
// ten times, to see that nothing is left behind in the process.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	cycles   = 10
	patience = time.Minute
)

// What the agent's informers would have in their caches.
var objects = []string{
	`{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "web"}}`,
	`{"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-a"},
	  "spec": {"podCIDRs": ["10.0.0.0/24", "fd00::/64"]}}`,
	`{"apiVersion": "v1", "kind": "Pod",
	  "metadata": {"namespace": "web", "name": "front", "labels": {"app": "front"}},
	  "spec": {"nodeName": "node-a"},
	  "status": {"phase": "Running", "podIPs": [{"ip": "10.0.0.1"}, {"ip": "fd00::1"}]}}`,
	`{"apiVersion": "v1", "kind": "Pod",
	  "metadata": {"namespace": "web", "name": "back", "labels": {"app": "back"}},
	  "spec": {"nodeName": "node-b"},
	  "status": {"phase": "Running", "podIPs": [{"ip": "10.0.1.1"}]}}`,
	`{"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
	  "metadata": {"namespace": "web", "name": "allow"},
	  "spec": {"podSelector": {"matchLabels": {"app": "front"}},
	    "ingress": [{"from": [{"podSelector": {"matchLabels": {"app": "back"}}}]}]}}`,
}

// logLines keeps what the controller says, for an error.
type logLines struct {
	mutex sync.Mutex
	lines []string
}

func (l *logLines) add(level int, text string) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.lines = append(l.lines, fmt.Sprintf("%d %s", level, text))
}

func (l *logLines) String() string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return strings.Join(l.lines, "\n")
}

// fill hands over the caches, as informers do once they are synced.
func fill(c *Controller) error {
	for _, object := range objects {
		if err := c.Feed(Upsert, []byte(object)); err != nil {
			return err
		}
	}
	for _, kind := range []Kind{Namespace, Pod, Node, NetworkPolicy} {
		if err := c.Listed(kind); err != nil {
			return err
		}
	}
	return nil
}

// ready waits until the node may take pods.
func ready(ctx context.Context, c *Controller, log *logLines) error {
	select {
	case <-c.FirstSync():
	case <-ctx.Done():
		return fmt.Errorf("no first sync; health %+v; log:\n%s", c.Health(), log)
	}
	status, err := c.Status()
	if err != nil {
		return err
	}
	if !status.Ready || status.Node != "node-a" || status.Counts.Pods != 2 ||
		status.Counts.LocalPods != 1 {
		return fmt.Errorf("status %+v; log:\n%s", status, log)
	}
	if err := c.RequestSync(); err != nil {
		return err
	}
	plan, err := c.Preview()
	if err == nil && plan != "" {
		err = fmt.Errorf("after the first sync there is still to do:\n%s", plan)
	}
	return err
}

// stopOnSignal has SIGTERM end it, with the handler of the Go runtime.
func stopOnSignal(ctx context.Context, c *Controller) error {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	defer signal.Stop(signals)
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-signals:
		return c.Stop(false)
	case <-ctx.Done():
		return fmt.Errorf("SIGTERM did not come to the agent")
	}
}

// live is the whole life of one controller.
func live() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	log := &logLines{}
	c, err := NewController(Options{
		NodeName:        "node-a",
		ClusterIPRanges: "10.43.0.0/16,fd00:43::/112",
		NodePortRange:   "30000:32767",
		IPv4:            true,
		IPv6:            true,
		DefaultDeny:     true,
		RequireNode:     true,
		Log:             log.add,
	})
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.Start(); err != nil {
		return err
	}
	if err := fill(c); err != nil {
		return err
	}
	if err := ready(ctx, c, log); err != nil {
		return err
	}
	if err := c.Feed(Upsert, []byte("no object")); err == nil ||
		!strings.HasPrefix(err.Error(), "feed: ") {
		return fmt.Errorf("garbage was taken: %v", err)
	}
	return stopOnSignal(ctx, c)
}

// holdings is what this process must not hold more of each time.
type holdings struct{ goroutines, files, threads int }

func entries(folder string) int {
	list, err := os.ReadDir(folder)
	if err != nil {
		panic(err)
	}
	return len(list)
}

func count() holdings {
	return holdings{runtime.NumGoroutine(), entries("/proc/self/fd"),
		entries("/proc/self/task")}
}

func run() error {
	if _, err := NewController(Options{}); err == nil {
		return fmt.Errorf("a controller without a node name was made")
	}
	// The first one also wakes what Go keeps for ever.
	if err := live(); err != nil {
		return err
	}
	before := count()
	for i := 0; i < cycles; i++ {
		if err := live(); err != nil {
			return fmt.Errorf("cycle %d: %w", i+1, err)
		}
	}
	after := count()
	// Of threads, Go may start one for itself now and then.
	if after.goroutines > before.goroutines || after.files > before.files ||
		after.threads >= before.threads+cycles {
		return fmt.Errorf("%d cycles left something behind: %+v, before %+v",
			cycles, after, before)
	}
	fmt.Printf("%d cycles: %+v, before %+v\n", cycles, after, before)
	return nil
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
