package mgm

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestOneMfeAndItsOwner(t *testing.T) {
	inner, outer := router(t, Callbacks{}, Callbacks{})
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	_, _, err := PacketIn(sG, If(1), nil, 100)
	ok(err)
	found, err := GetMfe(sG)
	ok(err)
	equal(t, []any{found.Flow, found.Incoming, found.Upstream, found.Timeout}, []any{sG, uint32(1), netip.MustParseAddr("192.0.2.1"), uint32(900)})
	ok(inner.SetMfe(sG, netip.MustParseAddr("192.0.2.9"), 0))
	found, err = GetMfe(sG)
	ok(err)
	equal(t, found.Upstream, netip.MustParseAddr("192.0.2.9"))
	if err := outer.SetMfe(sG, netip.Addr{}, 0); !errors.Is(err, ErrCanNotComplete) {
		t.Fatal(err)
	}
	if _, err := GetMfe(Flow{netip.MustParseAddr("10.0.0.6"), starG.Group}); !errors.Is(err, ErrNotFound) {
		t.Fatal(err)
	}
	owner, err := OwnerOf(If(2))
	ok(err)
	equal(t, owner, Owner{ProtoBGMP, 1})
	if _, err := OwnerOf(If(3)); !errors.Is(err, ErrNotFound) {
		t.Fatal(err)
	}
	ok(outer.Take(If(3)))
	ok(outer.Forward(If(3), starG))
	found, _ = GetMfe(sG)
	equal(t, found.Outgoing, []Interface{If(2), If(3)})
	ok(outer.StopForwarding(If(3), starG))
	found, _ = GetMfe(sG)
	equal(t, found.Outgoing, []Interface{If(2)})
}

func TestGroupsWithASource(t *testing.T) {
	_, outer := router(t, Callbacks{}, Callbacks{})
	other := Flow{Group: netip.MustParseAddr("239.1.2.4")}
	for _, each := range []Flow{sG, {netip.MustParseAddr("10.0.0.6"), starG.Group}, other} {
		if err := outer.Join(If(2), each); err != nil {
			t.Fatal(err)
		}
	}
	groups, err := outer.GroupsWithSources()
	equal(t, []any{groups, err}, []any{[]Flow{starG}, nil})
	groups, err = outer.Groups()
	equal(t, []any{len(groups), err}, []any{4, nil})
}

func TestStatistics(t *testing.T) {
	_, outer := router(t, Callbacks{}, Callbacks{})
	for i := 0; i < 1200; i++ {
		group := netip.AddrFrom4([4]byte{239, 7, byte(i / 250), byte(i%250 + 1)})
		if err := outer.Join(If(2), Flow{Group: group}); err != nil {
			t.Fatal(err)
		}
		if _, _, err := PacketIn(Flow{source, group}, If(1), nil, 100); err != nil {
			t.Fatal(err)
		}
	}
	all, err := AllMfeStats()
	if err != nil || len(all) != 1200 {
		t.Fatal(err, len(all))
	}
	entries, err := Mfes()
	if err != nil || len(entries) != 1200 {
		t.Fatal(err, len(entries))
	}
	PacketIn(all[7].Flow, If(2), nil, 100)
	s, err := GetMfeStats(all[7].Flow)
	if err != nil {
		t.Fatal(err)
	}
	want := MfeStats{Flow: all[7].Flow, Incoming: 1, Packets: 1, Octets: 100, WrongInterface: 1, Sent: 1}
	want.Outgoing = []OutgoingStats{{Interface: If(2), Packets: 1}}
	equal(t, s, want)
	if _, err := GetMfeStats(sG); !errors.Is(err, ErrNotFound) {
		t.Fatal(err)
	}
	// Without an outgoing interface.
	if err := outer.Leave(If(2), Flow{Group: all[7].Flow.Group}); err != nil {
		t.Fatal(err)
	}
	PacketIn(all[7].Flow, If(1), nil, 100)
	s, err = GetMfeStats(all[7].Flow)
	equal(t, []any{s.Packets, s.Negative, s.Sent, s.Outgoing, err}, []any{uint32(2), uint32(1), uint32(1), []OutgoingStats(nil), nil})
	status, err := GetStatus(Everything)
	if err != nil || len(status.Mfes) != 1200 || len(status.Memberships) != 1200 || len(status.Clients) != 2 {
		t.Fatal(err, len(status.Mfes), len(status.Memberships), status.Clients)
	}
	equal(t, *status.Mfes[7].Sent, int64(1))
}

func TestTheRouteOfAnMfe(t *testing.T) {
	_, outer := router(t, Callbacks{}, Callbacks{})
	if err := outer.Join(If(2), starG); err != nil {
		t.Fatal(err)
	}
	route := Route{Network: netip.MustParsePrefix("10.0.0.0/9"), Index: 1, Protocol: ProtoRIP}
	if err := route.Add(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := PacketIn(sG, If(1), nil, 100); err != nil {
		t.Fatal(err)
	}
	mfe, err := GetMfe(sG)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, []any{mfe.Route, mfe.RouteProtocol, mfe.Protocol}, []any{route.Network, ProtoRIP, ProtoOSPF})
}

func TestVersion(t *testing.T) {
	version, err := GetVersion()
	if err != nil {
		t.Fatal(err)
	}
	equal(t, version.API, [2]uint32{1, 0})
	if build := fmt.Sprintf("%d.%d.%d", version.Build[0], version.Build[1], version.Build[2]); !strings.Contains(version.Text, build) {
		t.Fatal(version)
	}
}

func TestInterfacesRoutesAndLimits(t *testing.T) {
	_, outer := router(t, Callbacks{}, Callbacks{})
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	scope := netip.MustParsePrefix("239.0.0.0/8")
	header := []byte{0x45, 0, 0, 100, 0, 0, 0, 0, 16, 17, 0, 0, 10, 0, 0, 5, 239, 1, 2, 3}
	goes := func() int {
		t.Helper()
		_, outgoing, err := PacketIn(sG, If(1), header, 0)
		ok(err)
		return len(outgoing)
	}
	ok(SetTTLThreshold(If(2), 16))
	equal(t, goes(), 0)
	ok(SetTTLThreshold(If(2), 1))
	equal(t, goes(), 1)
	ok(AddBoundary(2, scope))
	equal(t, goes(), 0)
	ok(DeleteBoundary(2, scope))
	equal(t, goes(), 1)
	name, err := ScopeName(scope)
	ok(err)
	equal(t, name, "239.0.0.0/8")
	ok(SetScopeName(scope, "Büro 😀"))
	name, err = ScopeName(scope)
	ok(err)
	equal(t, name, "Büro 😀")
	ok(SetScopeName(scope, ""))
	ok(DeleteInterface(If(2)))
	equal(t, goes(), 0)
	ok(AddInterface(If(2)))
	ok(outer.Join(If(2), starG))
	equal(t, goes(), 1)
	network := netip.MustParsePrefix("10.0.0.0/8")
	ok(DeleteRoute(network))
	if err := DeleteRoute(network); !errors.Is(err, ErrNotFound) {
		t.Fatal(err)
	}
	ok(Route{Network: netip.MustParsePrefix("192.0.2.1/32"), Local: true}.Add())
	ok(Route{Network: network, Index: 1, Protocol: 3, Preferred: true}.Add())
	if err := AddBoundary(2, netip.Prefix{}); err == nil {
		t.Fatal("no prefix is taken for one")
	}
	lo, err := InterfaceByName("lo")
	ok(err)
	link, err := net.InterfaceByName("lo")
	ok(err)
	equal(t, lo, If(uint32(link.Index)))
	name, err = lo.Name()
	ok(err)
	equal(t, name, "lo")
	if _, err := InterfaceByName("nothing0"); !errors.Is(err, ErrNotFound) {
		t.Fatal(err)
	}
}

func TestTheArrivalIsKnownInsideRpf(t *testing.T) {
	var arrived Interface
	var inside error
	inner, _ := router(t, Callbacks{Rpf: func(f Flow, suggested Incoming, header []byte) Incoming {
		arrived, inside = Arrival()
		return suggested
	}}, Callbacks{})
	_ = inner
	if _, _, err := PacketIn(sG, If(2), nil, 0); err != nil {
		t.Fatal(err)
	}
	equal(t, []any{arrived, inside}, []any{If(2), nil})
	if _, err := Arrival(); !errors.Is(err, ErrNotFound) {
		t.Fatal(err)
	}
}

func TestTheLogComesToAFunction(t *testing.T) {
	needsRouter(t)
	ok := fresh(t)
	var lock sync.Mutex
	var lines []string
	log := func(level LogLevel, text string) {
		lock.Lock()
		defer lock.Unlock()
		lines = append(lines, fmt.Sprint(level, " ", text))
	}
	ok(Start(Config{Forwarder: ForwarderMemory, LogLevel: LogWarn, Log: log, MaxFlows: 17, OpenForwarder: true, UnicastTable: 254}))
	c := client(t, ProtoOSPF, Callbacks{})
	var refusal *Error
	if err := c.Take(If(0)); !errors.As(err, &refusal) {
		t.Fatal(err)
	}
	equal(t, lines, []string{"warn MgmTakeInterfaceOwnership: " + refusal.Reason})
	if errors.Is(Start(Config{Log: func(LogLevel, string) {}}), ErrAlreadyExists) {
		c.Take(If(0))
	}
	equal(t, len(lines), 3) // the refused start, and the refused take: the former log stays
	ok(SetLogLevel(LogError))
	c.Take(If(0))
	equal(t, len(lines), 3)
	ok(SetLogLevel(LogOff))
	ok(SetLog(nil))
	status, err := GetStatus(NoMfes | NoMemberships)
	ok(err)
	equal(t, []any{status.Limits.MaxFlows, status.Mfes == nil, status.Memberships == nil}, []any{int64(17), true, true})
	metrics, err := Metrics(true)
	ok(err)
	if !strings.Contains(metrics, "mgm_mfes 0") {
		t.Fatal(metrics)
	}
	path := filepath.Join(t.TempDir(), "status")
	ok(ServeStatus(path))
	peer, err := net.Dial("unix", path)
	ok(err)
	peer.Close()
	ok(ServeStatus(""))
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Fatal("the socket is still there")
	}
}

func TestAStartThatCannotConnectSaysSo(t *testing.T) {
	needsRouter(t)
	fresh(t)
	var refusal *Error
	err := Start(Config{Router: "/no/where/router"})
	if !errors.As(err, &refusal) || !strings.Contains(refusal.Reason, "/no/where/router") {
		t.Fatal(err)
	}
}

func TestAClosedClientSaysSo(t *testing.T) {
	fresh(t)
	c := client(t, ProtoOSPF, Callbacks{})
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	_, groups := c.Groups()
	_, withSources := c.GroupsWithSources()
	for _, err := range []error{
		c.Take(If(1)), c.Release(If(1)), c.Join(If(1), starG), c.Leave(If(1), starG), c.SetMfe(sG, source, 0), groups, withSources,
		c.GraceDone(),
	} {
		if !errors.Is(err, ErrClosed) || !errors.Is(err, ErrInvalidParameter) {
			t.Fatal(err)
		}
		if !strings.Contains(err.Error(), "the client (protocol 13, component 1) is closed") {
			t.Fatal(err)
		}
	}
	if err := client(t, ProtoBGP, Callbacks{}).Take(If(0)); errors.Is(err, ErrClosed) {
		t.Fatal(err)
	}
	equal(t, c.String(), "client (protocol 13, component 1, closed)")
}

func TestAClientEndsWithItsContext(t *testing.T) {
	fresh(t)
	ctx, cancel := context.WithCancel(context.Background())
	c, err := RegisterContext(ctx, ProtoOSPF, 1, Callbacks{})
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-c.Done():
		t.Fatal("the client is closed already")
	default:
	}
	cancel()
	select {
	case <-c.Done():
	case <-time.After(30 * time.Second):
		t.Fatal("the client is not closed")
	}
	if err := c.Take(If(1)); !errors.Is(err, ErrClosed) {
		t.Fatal(err)
	}
	if _, err := RegisterContext(ctx, ProtoOSPF, 1, Callbacks{}); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	client(t, ProtoOSPF, Callbacks{}) // the ids are free again
}

// A close fails while another goroutine is taking an interface, and must be tried again.
func TestAClientEndsWithItsContextAlsoIfItIsBusy(t *testing.T) {
	ok := fresh(t)
	var once sync.Once
	asked, goOn := make(chan bool), make(chan bool)
	igmp := client(t, ProtoIGMP, Callbacks{EnableIgmp: func(Interface) {
		once.Do(func() { close(asked) })
		<-goOn
	}})
	ok(igmp.Take(If(2)))
	ctx, cancel := context.WithCancel(context.Background())
	c, err := RegisterContext(ctx, ProtoOSPF, 1, Callbacks{})
	ok(err)
	taken := make(chan error)
	go func() { taken <- c.Take(If(2)) }()
	<-asked
	if err := c.Close(); !errors.Is(err, ErrCanNotComplete) {
		t.Error(err)
	}
	cancel()
	time.Sleep(100 * time.Millisecond) // the first attempt fails
	close(goOn)
	if err := <-taken; err != nil && !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	select {
	case <-c.Done():
	case <-time.After(30 * time.Second):
		t.Fatal("the client is not closed")
	}
	client(t, ProtoOSPF, Callbacks{}) // the ids are free again
}

func TestAPacketIsNotWaitedForWhenItsContextEnds(t *testing.T) {
	asked, goOn := make(chan bool), make(chan bool)
	router(t, Callbacks{Rpf: func(f Flow, suggested Incoming, header []byte) Incoming {
		close(asked)
		<-goOn
		return suggested
	}}, Callbacks{})
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		<-asked
		cancel()
	}()
	_, _, err := PacketInContext(ctx, sG, If(1), nil, 0)
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	close(goOn)
	accepted, outgoing, err := PacketInContext(context.Background(), sG, If(1), nil, 0)
	equal(t, []any{accepted, outgoing, err}, []any{true, []Interface{If(2)}, nil})
	if _, _, err = PacketInContext(ctx, sG, If(1), nil, 0); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

var isRaceTest bool

// A packet must not cost the half megabyte that the library may need for its answer.
func TestAPacketAllocatesLittle(t *testing.T) {
	if isRaceTest {
		t.Skip("with the race detector")
	}
	router(t, Callbacks{}, Callbacks{})
	PacketIn(sG, If(1), nil, 0)
	result := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; i < b.N; i++ {
			PacketIn(sG, If(1), nil, 0)
		}
	})
	if bytes := result.AllocedBytesPerOp(); bytes > 8192 {
		t.Fatalf("%d bytes a packet", bytes)
	}
}
