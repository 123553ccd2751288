// main.cc - bench-grpc, the counter by gRPC: the callback API, no encryption.
//
//   bench-grpc serve PORT                               until SIGTERM
//   bench-grpc call PORT CONNECTIONS IN-FLIGHT SECONDS  prints "CALLS SECONDS"
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <grpcpp/grpcpp.h>

#include "counter.grpc.pb.h"

using Clock = std::chrono::steady_clock;

namespace {

[[noreturn]] void fatal(const std::string &why)
{
	std::fprintf(stderr, "bench-grpc: %s\n", why.c_str());
	std::exit(1);
}

class Counter final : public bench::Counter::CallbackService {
	grpc::ServerUnaryReactor *Increment(grpc::CallbackServerContext *context,
					    const bench::Amount *amount,
					    bench::Value *value) override
	{
		value->set_value(value_.fetch_add(amount->n()) + amount->n());
		auto *reactor = context->DefaultReactor();
		reactor->Finish(grpc::Status::OK);
		return reactor;
	}

	std::atomic<int64_t> value_{0};
};

int serve(const std::string &port)
{
	Counter counter;
	grpc::ServerBuilder builder;

	builder.AddListeningPort("127.0.0.1:" + port, grpc::InsecureServerCredentials());
	builder.RegisterService(&counter);
	auto server = builder.BuildAndStart();
	if (!server)
		fatal("port " + port + " can't be listened at");
	server->Wait();
	return 0;
}

// How many calls are still under way, of all connections.
struct Run {
	Clock::time_point until;
	std::mutex lock;
	std::condition_variable changed;
	size_t under_way = 0;
	std::atomic<uint64_t> answered{0};
};

// One call after the other.
class Caller {
    public:
	Caller(Run &run, bench::Counter::Stub &stub) : run_(run), stub_(stub)
	{
		amount_.set_n(1);
	}

	void call()
	{
		context_ = std::make_unique<grpc::ClientContext>();
		stub_.async()->Increment(context_.get(), &amount_, &value_,
					 [this](const grpc::Status &status) { answered(status); });
	}

    private:
	void answered(const grpc::Status &status)
	{
		if (!status.ok() || value_.value() <= 0)
			fatal(status.error_message());
		run_.answered.fetch_add(1, std::memory_order_relaxed);
		if (Clock::now() < run_.until) {
			call();
			return;
		}
		std::lock_guard<std::mutex> guard(run_.lock);
		run_.under_way--;
		run_.changed.notify_one();
	}

	Run &run_;
	bench::Counter::Stub &stub_;
	bench::Amount amount_;
	bench::Value value_;
	std::unique_ptr<grpc::ClientContext> context_;
};

std::unique_ptr<bench::Counter::Stub> connect(const std::string &port)
{
	grpc::ChannelArguments arguments;

	// Else all channels share one connection.
	arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
	auto channel = grpc::CreateCustomChannel("ipv4:127.0.0.1:" + port,
						 grpc::InsecureChannelCredentials(), arguments);
	if (!channel->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds(20)))
		fatal("nobody answers at port " + port);
	return bench::Counter::NewStub(channel);
}

int call(const std::string &port, size_t n_connections, size_t n_in_flight, double seconds)
{
	std::vector<std::unique_ptr<bench::Counter::Stub>> stubs;
	std::vector<std::unique_ptr<Caller>> callers;
	Run run;

	for (size_t i = 0; i < n_connections; i++)
		stubs.push_back(connect(port));
	for (size_t i = 0; i < n_connections * n_in_flight; i++)
		callers.push_back(std::make_unique<Caller>(run, *stubs[i % n_connections]));
	auto start = Clock::now();
	run.until = start + std::chrono::microseconds(static_cast<int64_t>(seconds * 1e6));
	run.under_way = callers.size();
	for (auto &caller : callers)
		caller->call();
	std::unique_lock<std::mutex> guard(run.lock);
	run.changed.wait(guard, [&run] { return run.under_way == 0; });
	std::chrono::duration<double> took = Clock::now() - start;
	std::printf("%llu %.6f\n", static_cast<unsigned long long>(run.answered.load()),
		    took.count());
	return 0;
}

} // namespace

int main(int argc, char **argv)
{
	if (argc == 3 && std::strcmp(argv[1], "serve") == 0)
		return serve(argv[2]);
	if (argc == 6 && std::strcmp(argv[1], "call") == 0)
		return call(argv[2], std::strtoul(argv[3], nullptr, 10),
			    std::strtoul(argv[4], nullptr, 10), std::strtod(argv[5], nullptr));
	std::fputs("usage: bench-grpc serve PORT | call PORT CONNECTIONS IN-FLIGHT SECONDS\n",
		   stderr);
	return 64;
}
