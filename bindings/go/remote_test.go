package mgm

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
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

// asClient runs TestAsClientProcess as a client process with this task, and returns what it prints.
func asClient(path, task string) string {
	process := exec.Command(os.Args[0], "-test.run=TestAsClientProcess$", "-test.v")
	process.Env = append(os.Environ(), "MGM_ROUTER="+path, "MGM_GO_CLIENT="+task)
	said, err := process.CombinedOutput()
	if err != nil {
		return err.Error() + string(said)
	}
	return string(said)
}

func TestAFilterDecidesWhatClientProcessesMayDo(t *testing.T) {
	needsRouter(t)
	ok := fresh(t)
	path := filepath.Join(t.TempDir(), "router")
	var lock sync.Mutex
	var asked []ClientRequest
	ok(ServeClients(path, 0o600))
	ok(SetClientFilter(func(request ClientRequest) bool {
		lock.Lock()
		defer lock.Unlock()
		asked = append(asked, request)
		return request.Interface == nil || request.Interface.Index == 5
	}))
	said := asClient(path, "filtered")
	ok(SetClientFilter(nil))
	if !strings.Contains(said, "6 is refused") || len(asked) != 3 {
		t.Fatal(said, asked)
	}
	first, last := asked[0], asked[2]
	if first.Interface != nil || first.Protocol != ProtoOSPF || int(first.User) != os.Geteuid() {
		t.Fatal(first)
	}
	equal(t, *last.Interface, If(6))
	if said = asClient(path, "filtered"); !strings.Contains(said, "6 is permitted") {
		t.Fatal(said)
	}
	ok(ServeClients("", 0))
}

func TestTheSocketOfClientProcessesHasSettings(t *testing.T) {
	needsRouter(t)
	ok := fresh(t)
	path := filepath.Join(t.TempDir(), "router")
	user, group := uint32(os.Geteuid()), uint32(os.Getegid())
	service := ClientService{Owner: &user, Group: &group, Mode: 0o640, MaxProcesses: 3, MaxUserProcesses: 1, AnswerMs: 500}
	ok(ServeClientsWith(path, service))
	found, err := os.Stat(path)
	ok(err)
	equal(t, found.Mode().Perm(), os.FileMode(0o640))
	if said := asClient(path, "twice"); !strings.Contains(said, "the second process is refused") {
		t.Fatal(said)
	}
	service.MaxUserProcesses = 2
	ok(ServeClientsWith(path, service))
	if said := asClient(path, "twice"); !strings.Contains(said, "the second process is welcome") {
		t.Fatal(said)
	}
	service.MaxUserProcesses = 65537
	if err := ServeClientsWith(path, service); !errors.Is(err, ErrInvalidParameter) {
		t.Fatal(err)
	}
	if ServeClientsWith("", ClientService{}) == nil {
		t.Fatal("without a path")
	}
	ok(ServeClients("", 0))
}

// The client process of the other tests.
func TestAsClientProcess(t *testing.T) {
	if os.Getenv("MGM_GO_CLIENT") == "" {
		t.Skip("other tests run this one")
	}
	ok := fresh(t)
	switch task := os.Getenv("MGM_GO_CLIENT"); task {
	case "filtered":
		c := client(t, ProtoOSPF, Callbacks{})
		ok(c.Take(If(5)))
		verdict := map[bool]string{true: "permitted", false: "refused"}
		fmt.Println("6 is", verdict[c.Take(If(6)) == nil])
		return
	case "twice":
		client(t, ProtoOSPF, Callbacks{})
		verdict := map[bool]string{true: "welcome", false: "refused"}
		said := asClient(os.Getenv("MGM_ROUTER"), "once")
		fmt.Println("the second process is", verdict[strings.Contains(said, "PASS: TestAsClientProcess")])
		return
	case "once":
		client(t, ProtoBGP, Callbacks{})
		return
	}
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
