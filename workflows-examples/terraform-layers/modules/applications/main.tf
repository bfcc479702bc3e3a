# A client's application: what it works on was made by the layers below.
variable "environment" { type = string }
variable "client" { type = string }

data "aws_ssm_parameter" "security_group_id" {
  name = "/shop/${var.environment}/platform/security-group-id"
}

data "aws_ssm_parameter" "table" {
  name = "/shop/${var.environment}/databases/${var.client}/orders-table"
}

resource "aws_sqs_queue" "orders" {
  name                    = "shop-${var.environment}-${var.client}-orders"
  sqs_managed_sse_enabled = true
  tags = {
    table          = data.aws_ssm_parameter.table.insecure_value
    security_group = data.aws_ssm_parameter.security_group_id.insecure_value
  }
}
