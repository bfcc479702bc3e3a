// Some load for the bake to measure; what the answers must be is said in sluice.yml.
import http from "k6/http";

export const options = {
  scenarios: { steady: { executor: "constant-arrival-rate", rate: 10, timeUnit: "1s", duration: "3m", preAllocatedVUs: 20 } },
  thresholds: { http_req_failed: ["rate<0.01"], http_req_duration: ["p(95)<500"] },
};

export default function () {
  http.get(`${__ENV.BASE_URL}/products`);
}
