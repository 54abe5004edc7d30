//go:build race

package mgm

// The race detector makes pools forget some of what they keep.
func init() { isRaceTest = true }
