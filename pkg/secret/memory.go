package secret

import (
	"context"
	"sync"
)

// memory keeps values until the process ends.
type memory struct {
	mu     sync.Mutex
	values map[string]string
	busy   map[string]chan struct{} // closed when the change of that name ends
}

// Memory is a keychain in this process's memory, for sign-ins where the system
// has none and for those that end with their session.
func Memory() Keychain {
	return &memory{values: map[string]string{}, busy: map[string]chan struct{}{}}
}

func (m *memory) Get(ctx context.Context, name string) (string, error) {
	if err := checkName(name); err != nil {
		return "", err
	}
	if err := ctx.Err(); err != nil {
		return "", err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	value, ok := m.values[name]
	if !ok {
		return "", ErrNotFound
	}
	return value, nil
}

func (m *memory) Set(ctx context.Context, name, value string) error {
	if err := checkValue(value); err != nil {
		return err
	}
	return m.Update(ctx, name, func(string) (string, error) { return value, nil })
}

func (m *memory) Delete(ctx context.Context, name string) error {
	return m.Update(ctx, name, func(string) (string, error) { return "", nil })
}

func (m *memory) Update(ctx context.Context, name string, change func(old string) (string, error)) error {
	if err := checkName(name); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	old, done, err := m.begin(ctx, name)
	if err != nil {
		return err
	}
	defer done()
	value, err := change(old)
	if err != nil || value == old {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if value == "" {
		delete(m.values, name)
		return nil
	}
	if err := checkValue(value); err != nil {
		return err
	}
	m.values[name] = value
	return nil
}

// begin waits until no other change of the name is under way.
func (m *memory) begin(ctx context.Context, name string) (old string, done func(), err error) {
	for {
		m.mu.Lock()
		other, waits := m.busy[name]
		if !waits {
			mine := make(chan struct{})
			m.busy[name] = mine
			old = m.values[name]
			m.mu.Unlock()
			return old, func() {
				m.mu.Lock()
				defer m.mu.Unlock()
				delete(m.busy, name)
				close(mine)
			}, nil
		}
		m.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return "", nil, ctx.Err()
		}
	}
}
