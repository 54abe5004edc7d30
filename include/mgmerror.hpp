// mgmerror.hpp - errors of the library for C++17, as exceptions and as values. mgm.hpp includes it.

#ifndef MGMERROR_HPP
#define MGMERROR_HPP

#include <mgmhost.h>

#include <array>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

namespace mgm {

/// Thrown if a function of the library fails.
class error : public std::runtime_error {
public:
    /// The error of a call that has just returned a code on this thread.
    error(const char *function, DWORD code) : error(function, code, last_reason(function)) {}
    error(const char *function, DWORD code, const std::string &reason)
        : std::runtime_error(std::string(function) + ": " + (reason.empty() ? meaning(code) : reason) +
                             " (code " + std::to_string(code) + ")"),
          function_(function), code_(code), reason_(std::make_shared<const std::string>(reason))
    {
    }
    const char *function() const noexcept { return function_; }
    DWORD code() const noexcept { return code_; }
    /// What the log says about the call, without the name of the function; empty if that is not known.
    const std::string &reason() const noexcept { return *reason_; }
    /// copy returns a copy of the error, of the same class. raise throws the error as one of its class. Each
    /// derived class overrides both.
    virtual std::shared_ptr<const error> copy() const { return std::make_shared<error>(*this); }
    [[noreturn]] virtual void raise() const { throw *this; }

private:
    static std::string last_reason(const std::string &function)
    {
        std::array<char, 1024> text{};
        DWORD size = static_cast<DWORD>(text.size());
        if (MgmHostGetLastMessage(&size, reinterpret_cast<PBYTE>(text.data())) != NO_ERROR)
            return {};
        // In a forked child the message is that of another call.
        const std::string message = text.data(), start = function + ": ";
        return message.compare(0, start.size(), start) == 0 ? message.substr(start.size()) : std::string();
    }
    static const char *meaning(DWORD code) noexcept
    {
        switch (code) {
        case ERROR_NOT_ENOUGH_MEMORY: return "out of memory, or too many interfaces";
        case ERROR_INVALID_PARAMETER: return "invalid argument or environment variable; the log says which one";
        case ERROR_ALREADY_EXISTS: return "already owned, registered or running";
        case ERROR_CAN_NOT_COMPLETE: return "not possible now or here; the log says why";
        case ERROR_NOT_FOUND: return "not found";
        default: return "unknown error code";
        }
    }
    const char *function_;
    DWORD code_;
    // Shared, because copying an exception must not throw.
    std::shared_ptr<const std::string> reason_;
};

/// Thrown by the calls of a client that is closed. The code is ERROR_INVALID_PARAMETER.
class closed_error : public error {
public:
    closed_error(const char *function, DWORD protocol, DWORD component)
        : error(function, ERROR_INVALID_PARAMETER,
                "the client (protocol " + std::to_string(protocol) + ", component " +
                    std::to_string(component) + ") is closed")
    {
    }
    std::shared_ptr<const error> copy() const override { return std::make_shared<closed_error>(*this); }
    [[noreturn]] void raise() const override { throw *this; }
};

/// A value, or the error of the call that should have returned it. See attempt.
template <typename T> class result {
public:
    result(T value) : value_(std::move(value)) {}
    result(const mgm::error &e) : error_(e.copy()) {}
    bool has_value() const noexcept { return value_.has_value(); }
    explicit operator bool() const noexcept { return has_value(); }
    /// Throws the error, as one of its own class, if there is no value.
    T &value()
    {
        if (error_)
            error_->raise();
        return *value_;
    }
    T &operator*() { return value(); }
    T *operator->() { return &value(); }
    T value_or(T other) const { return value_ ? *value_ : std::move(other); }
    /// Returns the error. Call it only if there is no value. The error keeps its class: a dynamic_cast finds
    /// a batch_error, for example.
    const mgm::error &error() const
    {
        if (!error_)
            throw std::bad_optional_access();
        return *error_;
    }

private:
    std::optional<T> value_;
    std::shared_ptr<const mgm::error> error_;
};

/// The same for calls that return nothing.
template <> class result<void> {
public:
    result() = default;
    result(const mgm::error &e) : error_(e.copy()) {}
    bool has_value() const noexcept { return !error_; }
    explicit operator bool() const noexcept { return has_value(); }
    void value() const
    {
        if (error_)
            error_->raise();
    }
    const mgm::error &error() const
    {
        if (!error_)
            throw std::bad_optional_access();
        return *error_;
    }

private:
    std::shared_ptr<const mgm::error> error_;
};

/// Makes calls, and returns their value or the error of the library:
/// `if (auto taken = mgm::attempt([&] { client.take(1); }); !taken) … taken.error().reason()`.
template <typename Calls> auto attempt(Calls &&calls) -> result<std::invoke_result_t<Calls>>
{
    try {
        if constexpr (std::is_void_v<std::invoke_result_t<Calls>>) {
            std::forward<Calls>(calls)();
            return {};
        } else {
            return std::forward<Calls>(calls)();
        }
    } catch (const error &e) {
        return e;
    }
}

/// Throws an error unless the code is NO_ERROR.
inline void check(const char *function, DWORD code)
{
    if (code != NO_ERROR)
        throw error(function, code);
}

} // namespace mgm

#endif // MGMERROR_HPP
