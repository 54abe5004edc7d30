package mgm

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var (
	source = netip.MustParseAddr("10.0.0.5")
	starG  = Flow{Group: netip.MustParseAddr("239.1.2.3")}
	sG     = Flow{source, starG.Group}
)

func TestMain(m *testing.M) {
	// MGM reads its environment when it starts.
	// A client process starts no router of its own.
	if os.Getenv("MGM_ROUTER") == "" && os.Getenv("MGM_SHIM_ROUTER") == "" {
		os.Setenv("MGM_FORWARDER", "memory")
	}
	os.Setenv("MGM_LOG", "off")
	os.Exit(m.Run())
}

// fresh has the test begin with an MGM that nobody has started.
func fresh(t *testing.T) func(error) {
	t.Cleanup(func() {
		if err := Stop(); err != nil {
			t.Error(err)
		}
	})
	return func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
}

func client(t *testing.T, protocol Protocol, callbacks Callbacks) *Client {
	t.Helper()
	c, err := Register(protocol, 1, callbacks)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// router: sources lie behind a gateway on interface 1; interface 2 wants the group.
func router(t *testing.T, in, out Callbacks) (inner, outer *Client) {
	t.Helper()
	ok := fresh(t)
	inner, outer = client(t, ProtoOSPF, in), client(t, ProtoBGMP, out)
	ok(inner.Take(If(1)))
	ok(outer.Take(If(2)))
	ok(outer.Join(If(2), starG))
	ok(AddRoute(netip.MustParsePrefix("10.0.0.0/8"), 1, netip.MustParseAddr("192.0.2.1")))
	return inner, outer
}

// needsRouter skips a test that a client process cannot run: it needs the router's own process.
func needsRouter(t *testing.T) {
	t.Helper()
	if os.Getenv("MGM_SHIM_ROUTER") != "" {
		t.Skip("needs the router's own process")
	}
}

func equal(t *testing.T, got, wanted any) {
	t.Helper()
	if !reflect.DeepEqual(got, wanted) {
		t.Fatalf("%v, not %v", got, wanted)
	}
}

func TestCodesAreErrors(t *testing.T) {
	fresh(t)
	c := client(t, ProtoOSPF, Callbacks{})
	_, err := Register(ProtoOSPF, 1, Callbacks{})
	if !errors.Is(err, ErrAlreadyExists) || !strings.Contains(err.Error(), "MgmRegisterMProtocol: ERROR_ALREADY_EXISTS") {
		t.Fatal(err)
	}
	if err := c.Take(If(0)); !errors.Is(err, ErrInvalidParameter) {
		t.Fatal(err)
	}
	if err := c.Join(If(1), Flow{Group: netip.MustParseAddr("ff02::1")}); err == nil || !strings.Contains(err.Error(), "not an IPv4 address") {
		t.Fatal(err)
	}
}

// C itself would end these texts at their null character.
func TestTextsThatCWouldCutOff(t *testing.T) {
	fresh(t)
	_, byName := InterfaceByName("lo\x00x")
	path := t.TempDir() + "/a\x00b"
	for i, err := range []error{
		byName, ServeStatus(path), ServeClients(path, 0), ServeClientsWith(path, ClientService{}),
		Start(Config{Router: path}), SetScopeName(netip.MustParsePrefix("239.0.0.0/8"), path),
	} {
		if err == nil || !strings.Contains(err.Error(), "null character") {
			t.Errorf("%d: %v", i, err)
		}
	}
}

func TestErrorsHaveTheReasonOfTheLog(t *testing.T) {
	fresh(t)
	c := client(t, ProtoOSPF, Callbacks{})
	err := c.Take(If(0))
	var refused *Error
	if !errors.As(err, &refused) || refused.Reason != "invalid dwIfIndex 0: interface indexes start at 1" {
		t.Fatalf("%#v", err)
	}
	wanted := "MgmTakeInterfaceOwnership: ERROR_INVALID_PARAMETER: " + refused.Reason + " (code 87)"
	equal(t, err.Error(), wanted)
	without := &Error{Function: "MgmX", Code: 1003}
	if !strings.Contains(without.Error(), "MgmX: ERROR_CAN_NOT_COMPLETE, not possible now") {
		t.Fatal(without)
	}
	// What another call was refused for is not the reason.
	message := "MgmTakeInterfaceOwnership: " + refused.Reason
	equal(t, reason("MgmTakeInterfaceOwnership", message), refused.Reason)
	equal(t, reason("MgmHostStop", message), "")
}

// Go moves goroutines between threads, and the library keeps the reason of a refusal for its thread.
func TestEachGoroutineGetsTheReasonOfItsOwnCall(t *testing.T) {
	fresh(t)
	c := client(t, ProtoOSPF, Callbacks{})
	var group sync.WaitGroup
	for index := uint32(1); index <= 16; index++ {
		group.Add(1)
		go func(index uint32) {
			defer group.Done()
			wanted := fmt.Sprintf("the caller does not own interface %d:", index)
			for i := 0; i < 20000; i++ {
				err := c.Release(If(index))
				var refused *Error
				if !errors.As(err, &refused) || !strings.Contains(refused.Reason, wanted) {
					t.Errorf("%d: %#v", index, err)
					return
				}
			}
		}(index)
	}
	group.Wait()
}

func TestExplain(t *testing.T) {
	router(t, Callbacks{}, Callbacks{})
	explain := func(f Flow, arrival Interface) *Explanation {
		t.Helper()
		found, err := Explain(f, arrival)
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	verdict := func(f Flow, arrival Interface) string {
		if reason := explain(f, arrival).Verdict.Reason; reason != nil {
			return *reason
		}
		return ""
	}
	equal(t, verdict(sG, Interface{}), "no_packet")
	if _, _, err := PacketIn(sG, If(1), nil, 100); err != nil {
		t.Fatal(err)
	}
	equal(t, verdict(sG, Interface{}), "")
	equal(t, verdict(sG, If(2)), "wrong_interface")
	equal(t, verdict(sG, If(9)), "foreign_arrival")
	equal(t, explain(sG, If(2)).Arrival.Index, int64(2))
	if _, err := Explain(starG, Interface{}); !errors.Is(err, ErrInvalidParameter) {
		t.Fatal(err)
	}
	// More than the first buffer holds.
	for i := byte(0); i < 100; i++ {
		c := client(t, Protocol(1000)+Protocol(i), Callbacks{})
		if err := c.Take(If(100 + uint32(i))); err != nil {
			t.Fatal(err)
		}
		if err := c.Join(If(100+uint32(i)), starG); err != nil {
			t.Fatal(err)
		}
		if i == 25 {
			break // at most 32 clients
		}
	}
	equal(t, len(explain(sG, Interface{}).Interfaces), 27)
}

func TestFlowLimit(t *testing.T) {
	router(t, Callbacks{}, Callbacks{})
	if err := SetFlowLimit(1, 1, 2); err != nil {
		t.Fatal(err)
	}
	accepted := 0
	for i := byte(1); i <= 5; i++ {
		f := Flow{source, netip.AddrFrom4([4]byte{239, 5, 0, i})}
		yes, _, err := PacketIn(f, If(1), nil, 100)
		if err != nil {
			t.Fatal(err)
		}
		if yes {
			accepted++
		}
	}
	if accepted < 2 || accepted > 3 {
		t.Fatal(accepted, " flows, not the two of the burst")
	}
	if err := SetFlowLimit(0, 1, 1); !errors.Is(err, ErrInvalidParameter) {
		t.Fatal(err)
	}
}

func TestCloseReleasesAndOnlyOnce(t *testing.T) {
	ok := fresh(t)
	c := client(t, ProtoOSPF, Callbacks{})
	ok(c.Take(If(1)))
	ok(c.Take(Interface{2, netip.MustParseAddr("10.9.0.1")}))
	ok(c.Close())
	ok(c.Close())
	again := client(t, ProtoOSPF, Callbacks{})
	ok(again.Take(If(1)))
	ok(again.Release(If(1)))
	ok(again.Take(If(1)))
}

func TestClientsOutliveAStop(t *testing.T) {
	ok := fresh(t)
	c := client(t, ProtoOSPF, Callbacks{})
	ok(c.Take(If(1)))
	ok(Stop())
	ok(c.Close())
}

func TestAnswersCount(t *testing.T) {
	header := []byte{0x45, 0, 0, 100, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 5, 239, 1, 2, 3}
	var heard []string
	router(t, Callbacks{
		Rpf: func(f Flow, suggested Incoming, h []byte) Incoming {
			heard = append(heard, fmt.Sprint("rpf ", f, " ", suggested.Interface, " ", suggested.Upstream, " ", len(h), " ", h[8]))
			suggested.Upstream = netip.MustParseAddr("192.0.2.9")
			return suggested
		},
		PruneAlert: func(f Flow, i Interface, nobodyElse bool, timeout uint32) uint32 {
			heard = append(heard, fmt.Sprint("prune ", f, " ", i, " ", nobodyElse, " ", timeout))
			return 60
		},
	}, Callbacks{
		CreationAlert: func(f Flow, incoming Interface, outgoing []Outgoing) {
			heard = append(heard, fmt.Sprint("creation ", f, " ", incoming, " ", outgoing))
			outgoing[0].Enabled = false
		},
	})
	accepted, outgoing, err := PacketIn(sG, If(1), header, 100)
	if err != nil || !accepted || len(outgoing) != 0 {
		t.Fatal(accepted, outgoing, err)
	}
	equal(t, heard, []string{
		"rpf (10.0.0.5, 239.1.2.3) 1 192.0.2.1 20 64",
		"creation (10.0.0.5, 239.1.2.3) 1 [{2 false true}]",
		"prune (10.0.0.5, 239.1.2.3) 1 false 900",
	})
	mfes, err := Mfes()
	if err != nil || len(mfes) != 1 {
		t.Fatal(mfes, err)
	}
	equal(t, mfes[0].Upstream.String(), "192.0.2.9")
	equal(t, mfes[0].Timeout, uint32(60))
}

func TestWhatIsTold(t *testing.T) {
	var heard []string
	note := func(what string) func(Flow, Interface) {
		return func(f Flow, i Interface) { heard = append(heard, fmt.Sprint(what, " ", f, " ", i)) }
	}
	var wanted []string
	_, outer := router(t, Callbacks{
		JoinAlert: func(f Flow, somebodyElse bool) { wanted = append(wanted, fmt.Sprint(f, " ", somebodyElse)) },
	}, Callbacks{
		LocalJoin:  note("join"),
		LocalLeave: note("leave"),
		WrongIf:    func(f Flow, i Interface, _ []byte) { heard = append(heard, fmt.Sprint("wrong ", f, " ", i)) },
	})
	igmp := client(t, ProtoIGMP, Callbacks{
		DisableIgmp: func(i Interface) { heard = append(heard, fmt.Sprint("disable ", i)) },
		EnableIgmp:  func(i Interface) { heard = append(heard, fmt.Sprint("enable ", i)) },
	})
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ok(outer.Release(If(2)))
	ok(igmp.Take(If(2)))
	ok(outer.Take(If(2)))
	ok(igmp.Join(If(2), starG))
	_, _, err := PacketIn(sG, If(1), nil, 100)
	ok(err)
	_, _, err = PacketIn(sG, If(2), nil, 100)
	ok(err)
	ok(igmp.Leave(If(2), starG))
	equal(t, heard, []string{
		"disable 2", "enable 2", "join (*, 239.1.2.3) 2",
		"wrong (10.0.0.5, 239.1.2.3) 2", "leave (*, 239.1.2.3) 2",
	})
	equal(t, wanted, []string{"(*, 239.1.2.3) true", "(*, 239.1.2.3) true"})
}

func TestTablesLongerThanABuffer(t *testing.T) {
	inner, outer := router(t, Callbacks{}, Callbacks{})
	// The first goes out; the last of a buffer is shorter than its structure.
	flows := []Flow{sG}
	for i := 0; i < 1500; i++ {
		flows = append(flows, Flow{source, netip.AddrFrom4([4]byte{239, 3, byte(i >> 8), byte(i)})})
	}
	for _, each := range flows {
		if _, _, err := PacketIn(each, If(1), nil, 100); err != nil {
			t.Fatal(err)
		}
	}
	mfes, err := Mfes()
	if err != nil || len(mfes) != len(flows) {
		t.Fatal(len(mfes), err)
	}
	for i := range flows {
		equal(t, mfes[i].Flow, flows[i])
		if err := outer.Join(If(2), flows[i]); err != nil {
			t.Fatal(err)
		}
	}
	groups, err := inner.Groups()
	if err != nil || len(groups) != len(flows)+1 {
		t.Fatal(len(groups), err)
	}
}

// MGM's own threads are none that Go knows.
func TestThreadsOfMgmCallGo(t *testing.T) {
	ok := fresh(t)
	ok(Start(Config{Forwarder: ForwarderMemory, LogLevel: LogOff, MfeTimeout: 1}))
	var asked atomic.Int32
	c := client(t, ProtoOSPF, Callbacks{
		Rpf: func(f Flow, suggested Incoming, _ []byte) Incoming {
			asked.Add(1)
			return suggested
		},
	})
	ok(c.Take(If(1)))
	ok(c.Take(If(2)))
	ok(c.Join(If(2), starG))
	ok(AddRoute(netip.MustParsePrefix("10.0.0.0/8"), 1, netip.Addr{}))
	// An MFE that forwards is renewed when its time is over; no call of ours asks then.
	for i := 0; i < 1000 && asked.Load() < 2; i++ {
		_, _, err := PacketIn(sG, If(1), nil, 100)
		ok(err)
		time.Sleep(20 * time.Millisecond)
	}
	if asked.Load() < 2 {
		t.Fatal("nobody asked")
	}
}

func TestCallbacksMayCall(t *testing.T) {
	ok := fresh(t)
	var heard []string
	var listener *Client
	listener = client(t, ProtoOSPF, Callbacks{
		JoinAlert: func(f Flow, _ bool) {
			heard = append(heard, f.String())
			// The shim does not know that it is inside a callback.
			_, isShim := os.LookupEnv("MGM_SHIM_ROUTER")
			if _, _, err := PacketIn(sG, If(1), nil, 100); !errors.Is(err, ErrCanNotComplete) && !isShim {
				t.Error("a packet inside a callback:", err)
			}
			ok(listener.Take(If(1)))
			ok(listener.Close())
		},
	})
	other := client(t, ProtoBGMP, Callbacks{})
	ok(other.Take(If(2)))
	ok(other.Join(If(2), starG))
	ok(other.Join(If(2), Flow{Group: netip.MustParseAddr("239.9.9.9")}))
	equal(t, heard, []string{"(*, 239.1.2.3)"})
}

// Close waits for a callback on another thread, which calls for the same client.
func TestCloseWhileACallbackCalls(t *testing.T) {
	ok := fresh(t)
	inside, done := make(chan bool), make(chan error)
	var listener *Client
	listener = client(t, ProtoOSPF, Callbacks{
		JoinAlert: func(Flow, bool) {
			inside <- true
			// Whatever comes of it: it must come back.
			time.Sleep(20 * time.Millisecond)
			listener.Take(If(1))
			listener.Close()
		},
	})
	other := client(t, ProtoBGMP, Callbacks{})
	ok(other.Take(If(2)))
	go func() { done <- other.Join(If(2), starG) }()
	<-inside
	listener.Close()
	ok(<-done)
}

func TestTooManyClients(t *testing.T) {
	ok := fresh(t)
	var clients []*Client
	heard := make([]int, len(slots))
	for i := range slots {
		i := i
		c, err := Register(ProtoOSPF, uint32(i), Callbacks{JoinAlert: func(Flow, bool) { heard[i]++ }})
		if err != nil {
			t.Fatal(err)
		}
		clients = append(clients, c)
	}
	// Each hears by functions of its own; who joins hears nothing.
	ok(clients[0].Take(If(1)))
	ok(clients[0].Join(If(1), starG))
	for i, times := range heard {
		if (times == 1) != (i > 0) {
			t.Fatal(heard)
		}
	}
	_, err := Register(ProtoOSPF, 1000, Callbacks{})
	if err == nil || err.Error() != "mgm: more than 32 clients" {
		t.Fatal(err)
	}
	for _, c := range clients {
		c.Close()
	}
	// Refused registrations give their slots back.
	first := client(t, ProtoOSPF, Callbacks{})
	for i := 0; i < 2*len(slots); i++ {
		if _, err := Register(ProtoOSPF, 1, Callbacks{}); !errors.Is(err, ErrAlreadyExists) {
			t.Fatal(err)
		}
	}
	first.Close()
}
