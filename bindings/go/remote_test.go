package mgm

import (
	"errors"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestABatchNamesTheFirstRefusedCall(t *testing.T) {
	ok := fresh(t)
	c := client(t, ProtoOSPF, Callbacks{})
	ok(c.Take(If(1)))
	other := Flow{Group: netip.MustParseAddr("239.1.2.4")}
	ok(Batch(func() {
		ok(c.Join(If(1), starG))
		ok(c.Join(If(1), other))
		ok(c.Leave(If(1), starG))
	}))
	err := Batch(func() {
		ok(c.Leave(If(1), other))
		ok(c.Join(If(7), starG)) // an interface of nobody: refused when the batch ends
		ok(c.Join(If(1), starG))
	})
	var refused *BatchError
	if !errors.As(err, &refused) || refused.Number != 2 || !errors.Is(err, ErrInvalidParameter) {
		t.Fatalf("%#v", err)
	}
	groups, err := c.Groups()
	ok(err)
	equal(t, groups, []Flow{starG}) // the calls around the refused one were made
	ok(Batch(func() {
		nested := Batch(func() {})
		if !errors.As(nested, &refused) || refused.Number != 0 || !errors.Is(nested, ErrCanNotComplete) {
			t.Fatalf("%#v", nested)
		}
	}))
}

func TestAPanicEndsABatch(t *testing.T) {
	ok := fresh(t)
	c := client(t, ProtoOSPF, Callbacks{})
	ok(c.Take(If(1)))
	func() {
		defer func() { recover() }()
		Batch(func() { panic("in a batch") })
	}()
	ok(Batch(func() { ok(c.Join(If(1), starG)) }))
}

func TestGraceIsAtMostFiveMinutesAndHasNoEffectInARouter(t *testing.T) {
	ok := fresh(t)
	if err := SetGrace(301); !errors.Is(err, ErrInvalidParameter) {
		t.Fatal(err)
	}
	ok(SetGrace(300))
	c := client(t, ProtoOSPF, Callbacks{})
	ok(c.Take(If(1)))
	ok(c.Join(If(1), starG))
	ok(c.GraceDone())
	groups, err := c.Groups()
	ok(err)
	equal(t, groups, []Flow{starG}) // nothing was left by another client
	ok(SetGrace(0))
}

// The client process of the next test.
func TestAsClientProcess(t *testing.T) {
	if os.Getenv("MGM_GO_CLIENT") == "" {
		t.Skip("the next test runs this one")
	}
	ok := fresh(t)
	lost := make(chan struct{})
	ok(SetRouterLost(func() { close(lost) }))
	c := client(t, ProtoOSPF, Callbacks{})
	ok(c.Take(If(5)))
	ok(os.WriteFile(os.Getenv("MGM_GO_CLIENT"), nil, 0o600))
	select {
	case <-lost:
	case <-time.After(time.Minute):
		t.Fatal("the router is not lost")
	}
	if err := c.Take(If(6)); !errors.Is(err, ErrInvalidParameter) {
		t.Fatal(err)
	}
}

func TestTheEndOfTheRouterIsReported(t *testing.T) {
	needsRouter(t)
	ok := fresh(t)
	directory := t.TempDir()
	path, ready := filepath.Join(directory, "router"), filepath.Join(directory, "ready")
	ok(ServeClients(path, 0o600))
	process := exec.Command(os.Args[0], "-test.run=TestAsClientProcess$", "-test.v")
	process.Env = append(os.Environ(), "MGM_ROUTER="+path, "MGM_GO_CLIENT="+ready)
	var said strings.Builder
	process.Stdout, process.Stderr = &said, &said
	ok(process.Start())
	for begun := time.Now(); time.Since(begun) < time.Minute; time.Sleep(time.Millisecond) {
		if _, err := os.Stat(ready); err == nil {
			break
		}
	}
	ok(ServeClients("", 0))
	if err := process.Wait(); err != nil || !strings.Contains(said.String(), "--- PASS: TestAsClientProcess") {
		t.Fatal(err, said.String())
	}
}
