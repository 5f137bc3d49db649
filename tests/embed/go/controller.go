package main

/*
#cgo LDFLAGS: -lnetpol
#include <stdlib.h>
#include "netpol.h"

typedef const char const_char;

// Of callbacks.go.
void agentLog(void* user, int32_t level, const_char* text);
void agentHealth(void* user, int32_t alive, int32_t healthy, int32_t ready,
                 const_char* reasons);
void agentFirstSyncDone(void* user);

static void set_callbacks(netpol_options* options, uintptr_t user) {
  options->user = (void*)user;
  options->log = agentLog;
  options->health = agentHealth;
  options->first_sync_done = agentFirstSyncDone;
}
*/
import "C"

import (
	"encoding/json"
	"errors"
	"fmt"
	"runtime/cgo"
	"sync"
	"unsafe"
)

// Kind is a kind of objects that the controller reads.
type Kind int32

const (
	Namespace     Kind = C.NETPOL_NAMESPACE
	Pod           Kind = C.NETPOL_POD
	Node          Kind = C.NETPOL_NODE
	NetworkPolicy Kind = C.NETPOL_NETWORK_POLICY
)

// Event is what happened to an object.
type Event int32

const (
	Upsert Event = C.NETPOL_UPSERT
	Delete Event = C.NETPOL_DELETE
)

// Options are those that K3s gives to its controller.
type Options struct {
	NodeName        string
	ClusterIPRanges string
	NodePortRange   string
	IPv4, IPv6      bool
	DefaultDeny     bool
	RequireNode     bool
	Log             func(level int, text string)
}

// Health is the controller's last verdict on itself.
type Health struct {
	Alive, Healthy, Ready bool
	Reasons               string
}

// Status is a part of netpol_status().
type Status struct {
	Node    string   `json:"node"`
	Healthy bool     `json:"healthy"`
	Ready   bool     `json:"ready"`
	Reasons []string `json:"reasons"`
	Counts  struct {
		Pods      int `json:"pods,string"`
		LocalPods int `json:"localPods,string"`
		Policies  int `json:"policies,string"`
	} `json:"counts"`
}

// Controller enforces on this node, in the network namespace of the thread that
// started it. Its methods may be called from any goroutine, Close last.
type Controller struct {
	handle    *C.netpol_handle
	user      cgo.Handle
	log       func(level int, text string)
	firstSync chan struct{}

	mutex  sync.Mutex
	health Health
}

func flag(set bool) C.int32_t {
	if set {
		return 1
	}
	return 0
}

// NewController judges the options; nothing runs yet.
func NewController(options Options) (*Controller, error) {
	c := &Controller{log: options.Log, firstSync: make(chan struct{})}
	c.user = cgo.NewHandle(c)
	var given C.netpol_options
	given.size = C.sizeof_netpol_options
	var texts []*C.char
	text := func(value string) *C.char {
		if value == "" {
			return nil
		}
		copied := C.CString(value)
		texts = append(texts, copied)
		return copied
	}
	given.node_name = text(options.NodeName)
	given.cluster_ip_ranges = text(options.ClusterIPRanges)
	given.node_port_range = text(options.NodePortRange)
	if options.IPv4 {
		given.families |= C.NETPOL_IPV4
	}
	if options.IPv6 {
		given.families |= C.NETPOL_IPV6
	}
	given.default_deny = flag(options.DefaultDeny)
	given.require_node = flag(options.RequireNode)
	C.set_callbacks(&given, C.uintptr_t(c.user))
	code := C.netpol_create(&given, &c.handle)
	for _, copied := range texts {
		C.free(unsafe.Pointer(copied))
	}
	if err := c.check("create", code); err != nil {
		c.user.Delete()
		return nil, err
	}
	return c, nil
}

// check makes an error of what a call gave. The text is the handle's, since a
// goroutine may be on another thread by now.
func (c *Controller) check(what string, code C.netpol_code) error {
	if code == C.NETPOL_OK {
		return nil
	}
	return fmt.Errorf("%s: %s (code %d)", what,
		take(C.netpol_last_error(c.handle)), code)
}

func take(text *C.char) string {
	defer C.netpol_free(text)
	return C.GoString(text)
}

// Start begins to enforce. A kernel that lacks something is told by Health.
func (c *Controller) Start() error {
	return c.check("start", C.netpol_start(c.handle))
}

// Feed tells what happened to an object, in protobuf or JSON.
func (c *Controller) Feed(event Event, object []byte) error {
	if len(object) == 0 {
		return errors.New("feed: no object")
	}
	return c.check("feed", C.netpol_feed(c.handle, C.netpol_event(event),
		unsafe.Pointer(&object[0]), C.size_t(len(object))))
}

// Listed tells that every object of a kind was fed.
func (c *Controller) Listed(kind Kind) error {
	return c.check("listed", C.netpol_listed(c.handle, C.netpol_kind(kind)))
}

// FirstSync is closed once everything that was listed is in the kernel.
func (c *Controller) FirstSync() <-chan struct{} { return c.firstSync }

// Health is the last verdict.
func (c *Controller) Health() Health {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.health
}

// RequestSync has the kernel read anew.
func (c *Controller) RequestSync() error {
	return c.check("request sync", C.netpol_request_sync(c.handle))
}

// Preview is what the next sync would do; "" for nothing.
func (c *Controller) Preview() (string, error) {
	var plan *C.char
	if err := c.check("preview",
		C.netpol_preview(c.handle, C.NETPOL_TEXT, &plan)); err != nil {
		return "", err
	}
	return take(plan), nil
}

// Status is how it stands.
func (c *Controller) Status() (Status, error) {
	var status Status
	var text *C.char
	if err := c.check("status", C.netpol_status(c.handle, &text)); err != nil {
		return status, err
	}
	return status, json.Unmarshal([]byte(take(text)), &status)
}

// Stop ends its threads; what is enforced stays unless cleanUp.
func (c *Controller) Stop(cleanUp bool) error {
	return c.check("stop", C.netpol_stop(c.handle, flag(cleanUp)))
}

// Close stops and frees it.
func (c *Controller) Close() error {
	if err := c.check("destroy", C.netpol_destroy(c.handle)); err != nil {
		return err
	}
	c.handle = nil
	c.user.Delete()
	return nil
}
